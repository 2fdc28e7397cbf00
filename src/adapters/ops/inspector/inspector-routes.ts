import type { InspectCustomer } from "../../../application/check/inspect-customer.js";
import { INSPECTOR_PAGE, type InspectorPage } from "../gen/inspector-pages.js";
import { explain, json, type OpsRoute } from "../ops-server.js";
import type { RecentChanges, RecentDenials } from "../recent-activity.js";

/** What the inspector page consists of and asks for, by path. All but the page itself tell of customers: the caller guards them. */
export function inspectorRoutes(
  inspect: InspectCustomer,
  denials: RecentDenials,
  changes: RecentChanges,
): ReadonlyMap<string, OpsRoute> {
  return new Map<string, OpsRoute>([
    ["/inspector", pageRoute(INSPECTOR_PAGE)],
    ["/inspector/customers", (query) => json(200, { customers: inspect.find(query.get("q") ?? "") })],
    [
      "/inspector/customer",
      async (query) => {
        const customerId = query.get("id") ?? "";
        if (customerId === "") return explain(400, "id is missing: name the customer's id");
        return json(200, await inspect.inspect({ customerId, resourceId: query.get("resource") ?? undefined }));
      },
    ],
    ["/decisions", () => json(200, { denials: denials.latest, changes: changes.latest })],
  ]);
}

/** Serves a page that may run its own script and style, ask the port that it came from, and nothing else. */
export function pageRoute({ html, scriptDigest, styleDigest }: InspectorPage): OpsRoute {
  const policy = [
    "default-src 'none'",
    `script-src '${scriptDigest}'`,
    `style-src '${styleDigest}'`,
    "connect-src 'self'",
    "img-src data:",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; ");
  return () => ({
    status: 200,
    contentType: "text/html; charset=utf-8",
    body: html,
    headers: { "content-security-policy": policy, "referrer-policy": "no-referrer" },
  });
}

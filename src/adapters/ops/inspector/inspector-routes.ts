import { createHash } from "node:crypto";
import type { InspectCustomer } from "../../../application/check/inspect-customer.js";
import { explain, json, type OpsRoute } from "../ops-server.js";
import type { RecentDenials } from "../recent-denials.js";
import { INSPECTOR_HTML, INSPECTOR_SCRIPT, INSPECTOR_STYLE } from "./inspector-page.js";

/** The page may run its own script and style, ask this port, and nothing else. */
const POLICY = `default-src 'none'; script-src '${digestOf(INSPECTOR_SCRIPT)}'; style-src '${digestOf(INSPECTOR_STYLE)}'; connect-src 'self'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'`;

/** What the inspector page consists of and asks for, by path. All but the page itself tell of customers: the caller guards them. */
export function inspectorRoutes(inspect: InspectCustomer, denials: RecentDenials): ReadonlyMap<string, OpsRoute> {
  return new Map<string, OpsRoute>([
    [
      "/inspector",
      () => ({
        status: 200,
        contentType: "text/html; charset=utf-8",
        body: INSPECTOR_HTML,
        headers: { "content-security-policy": POLICY, "referrer-policy": "no-referrer" },
      }),
    ],
    ["/inspector/customers", (query) => json(200, { customers: inspect.find(query.get("q") ?? "") })],
    [
      "/inspector/customer",
      async (query) => {
        const customerId = query.get("id") ?? "";
        if (customerId === "") return explain(400, "id is missing: name the customer's id");
        return json(200, await inspect.inspect({ customerId, resourceId: query.get("resource") ?? undefined }));
      },
    ],
    ["/decisions", () => json(200, { denials: denials.latest })],
  ]);
}

function digestOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

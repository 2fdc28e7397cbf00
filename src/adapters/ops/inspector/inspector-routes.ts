import type { InspectCustomer } from "../../../application/check/inspect-customer.js";
import { INSPECTOR_PAGE } from "../gen/inspector-pages.js";
import { explain, json, type OpsRoute } from "../ops-server.js";
import type { RecentChanges } from "../recent-changes.js";
import type { RecentDenials } from "../recent-denials.js";
import { pageRoute } from "./page-route.js";

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

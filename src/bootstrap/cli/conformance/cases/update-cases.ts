import { withCustomer } from "../conformance-catalog.js";
import { cases, denied, granted } from "./questions.js";

const UPDATES = cases("updates", [
  [
    "another limit is heard of",
    async ({ who, answers, eventually, change }) => {
      const customerId = who("updated");
      const question = { customerId, featureId: "seats", options: { requestedUsage: 10 } };
      await answers("getMeteredEntitlement", question, denied("REQUESTED_USAGE_EXCEEDING_LIMIT"));
      await change((catalog) => withCustomer(catalog, customerId, (each) => ({ ...each, overrides: { seats: 25 } })));
      await eventually("getMeteredEntitlement", question, { ...granted, entitlement: { usageLimit: 25 } });
    },
  ],
  [
    "what is revoked is denied",
    async ({ who, answers, eventually, change }) => {
      const customerId = who("revoked-later");
      const question = { customerId, featureId: "sso" };
      await answers("getBooleanEntitlement", question, granted);
      await change((catalog) =>
        withCustomer(catalog, customerId, (each) => ({ ...each, overrides: { sso: { revoked: true } } })),
      );
      await eventually("getBooleanEntitlement", question, denied("REVOKED"));
    },
  ],
  [
    "another plan is heard of, at a resource as well",
    async ({ who, answers, eventually, change }) => {
      const customerId = who("upgraded");
      const question = { customerId, resourceId: "site-1", featureId: "regions" };
      await answers("getEnumEntitlement", question, denied("NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION"));
      await change((catalog) =>
        withCustomer(catalog, customerId, (each) => ({ ...each, resources: [{ id: "site-1", plan: "pro" }] })),
      );
      await eventually("getEnumEntitlement", question, granted);
    },
  ],
  [
    "credits that are granted can be used",
    async ({ who, answers, eventually, change }) => {
      const customerId = who("granted-later");
      const question = { customerId, currencyId: "ink", options: { requestedUsage: 500 } };
      await answers("getEntitlementV2", question, { entitlement: denied("INSUFFICIENT_CREDITS") });
      await change((catalog) =>
        withCustomer(catalog, customerId, (each) => ({
          ...each,
          creditGrants: [...(each.creditGrants ?? []), { id: "second", currency: "ink", amount: 1_000 }],
        })),
      );
      await eventually("getEntitlementV2", question, { entitlement: { ...granted, credit: { remaining: 1_080 } } });
    },
  ],
  [
    "a customer that is archived is denied",
    async ({ who, answers, eventually, change }) => {
      const customerId = who("removed");
      const question = { customerId, featureId: "sso" };
      await answers("getBooleanEntitlement", question, granted);
      await change((catalog) => withCustomer(catalog, customerId, (each) => ({ ...each, archived: true })));
      await eventually("getBooleanEntitlement", question, denied("CUSTOMER_IS_ARCHIVED"));
    },
  ],
  [
    "a customer that comes into being is known to who asked in vain",
    async ({ stranger, answers, eventually, change }) => {
      const customerId = stranger();
      const question = { customerId, featureId: "sso" };
      await answers("getBooleanEntitlement", question, denied("CUSTOMER_NOT_FOUND"));
      await change((catalog) => ({
        ...catalog,
        customers: [...catalog.customers, { id: customerId, plan: "pro" }],
      }));
      await eventually("getBooleanEntitlement", question, granted);
    },
  ],
]);

const RELOADS = cases("reloads", [
  [
    "the next check knows what Edge does not know yet",
    async ({ who, answers, change, control }) => {
      const customerId = who("reloaded");
      const question = { customerId, featureId: "seats" };
      await answers("getMeteredEntitlement", question, { entitlement: { usageLimit: 10 } });
      await control.lagEdge();
      await control.inject({ target: "events", kind: "drop" });
      try {
        await change((catalog) => withCustomer(catalog, customerId, (each) => ({ ...each, overrides: { seats: 40 } })));
        await answers("reloadEntitlements", { customerId }, { entitledEntityExists: true });
        await answers("getMeteredEntitlement", question, { entitlement: { usageLimit: 40 } });
      } finally {
        await control.clear();
      }
    },
  ],
  [
    "of a customer that does not exist it says so",
    ({ stranger, answers }) =>
      answers("reloadEntitlements", { customerId: stranger() }, { entitledEntityExists: false }),
  ],
  [
    "of a resource that does not exist it says so",
    ({ who, answers }) =>
      answers("reloadEntitlements", { customerId: who("acme"), resourceId: "site-9" }, { entitledEntityExists: false }),
  ],
  [
    "it fails while upstream does",
    ({ who, fails, whileUpstreamFails }) =>
      whileUpstreamFails(() => fails("reloadEntitlements", { customerId: who("acme") }, "unavailable")),
  ],
]);

export const UPDATE_CASES = [...UPDATES, ...RELOADS];

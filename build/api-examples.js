/**
 * A request of every unary method, as docs/api.md shows it: each can be sent to `npm start`, which serves
 * examples/catalog.yaml.
 */
export const EXAMPLES = {
  "stigg.sidecar.v1.SidecarService": {
    GetEntitlements: { customerId: "customer-demo" },
    GetEntitlement: {
      customerId: "customer-demo",
      featureId: "seats",
      options: { requestedUsage: 1, fallback: { hasAccess: true } },
    },
    GetBooleanEntitlement: {
      customerId: "globex",
      featureId: "sso",
      options: { fallback: { hasAccess: false } },
    },
    GetNumericEntitlement: { customerId: "customer-demo", featureId: "retention-days" },
    GetMeteredEntitlement: {
      customerId: "globex",
      resourceId: "workspace-lagos",
      featureId: "seats",
      options: { requestedUsage: 5 },
    },
    GetEnumEntitlement: { customerId: "globex", featureId: "regions", options: { requestedValues: ["eu"] } },
    ReportUsage: {
      customerId: "customer-demo",
      featureId: "seats",
      value: 1,
      updateBehavior: "USAGE_UPDATE_BEHAVIOR_DELTA",
      dimensions: { team: { stringValue: "design" } },
    },
    ReportEvents: {
      events: [
        {
          customerId: "customer-demo",
          eventName: "completion",
          idempotencyKey: "completion-1",
          dimensions: { words: { numberValue: 250 }, model: { stringValue: "premium" } },
        },
      ],
    },
    ReloadEntitlements: { customerId: "customer-demo" },
    ReportUsageBulk: {
      usages: [
        { customerId: "customer-demo", featureId: "seats", value: 1 },
        { customerId: "customer-demo", featureId: "storage-gb", value: 0.5 },
      ],
    },
    GetEntitlementV2: { customerId: "customer-demo", currencyId: "ink", options: { requestedUsage: 4 } },
    GetEntitlementsStateV2: { customerId: "customer-demo" },
  },
  "grpc.health.v1.Health": {
    Check: { service: "stigg.sidecar.v1.SidecarService" },
    List: {},
  },
};

import type { JsonObject } from "@bufbuild/protobuf";
import type { SidecarMethod } from "../../../../adapters/rpc/service/sidecar-calls.js";
import { cases } from "./questions.js";

const METHODS_OF_A_FEATURE: readonly SidecarMethod[] = [
  "getEntitlement",
  "getBooleanEntitlement",
  "getNumericEntitlement",
  "getMeteredEntitlement",
  "getEnumEntitlement",
];

const REFUSED: readonly (readonly [title: string, method: SidecarMethod, request: JsonObject])[] = [
  ...[...METHODS_OF_A_FEATURE, "getEntitlementV2" as const].map(
    (method) => [`${method} without a customer`, method, { featureId: "sso" }] as const,
  ),
  ...METHODS_OF_A_FEATURE.map((method) => [`${method} without a feature`, method, { customerId: "acme" }] as const),
  ["getEntitlements without a customer", "getEntitlements", {}],
  ["getEntitlementsStateV2 without a customer", "getEntitlementsStateV2", {}],
  ["reloadEntitlements without a customer", "reloadEntitlements", {}],
  [
    "getEntitlementV2 of a feature and of credits at once",
    "getEntitlementV2",
    { customerId: "acme", featureId: "sso", currencyId: "ink" },
  ],
  ["getEntitlementV2 of neither", "getEntitlementV2", { customerId: "acme" }],
  [
    "a requested usage that is no number",
    "getMeteredEntitlement",
    { customerId: "acme", featureId: "seats", options: { requestedUsage: "NaN" } },
  ],
  ["reportUsage without a customer", "reportUsage", { featureId: "seats", value: 1 }],
  ["reportUsage without a feature", "reportUsage", { customerId: "acme", value: 1 }],
  [
    "reportUsage of a value that is infinite",
    "reportUsage",
    { customerId: "acme", featureId: "seats", value: "Infinity" },
  ],
  ["reportUsageBulk with one without a feature", "reportUsageBulk", { usages: [{ customerId: "acme", value: 1 }] }],
  ["reportEvents with one without a name", "reportEvents", { events: [{ customerId: "acme", idempotencyKey: "k" }] }],
  ["reportEvents with one without a key", "reportEvents", { events: [{ customerId: "acme", eventName: "e" }] }],
];

export const ERROR_CASES = [
  ...cases(
    "refusals",
    REFUSED.map(([title, method, request]) => [title, ({ fails }) => fails(method, request, "invalid_argument")]),
  ),
  ...cases("refusals", [["a method that does not exist", ({ failsUnknownMethod }) => failsUnknownMethod()]]),
  ...cases("health", [
    ["the process is serving", ({ isHealthy }) => isHealthy("")],
    ["the service is serving", ({ isHealthy }) => isHealthy("stigg.sidecar.v1.SidecarService")],
  ]),
];

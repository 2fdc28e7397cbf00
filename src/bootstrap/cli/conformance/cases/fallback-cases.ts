import type { JsonObject } from "@bufbuild/protobuf";
import type { SidecarMethod } from "../../../../adapters/rpc/service/sidecar-calls.js";
import type { ConformanceCase, Expected } from "../conformance-case.js";
import { cases, fallback, granted, questions, reason } from "./questions.js";

/**
 * What an implementation has to be configured with (ENTITLEMENTS_FALLBACK) for the cases about that; nothing else of it is asked
 * of these features.
 */
export const FALLBACKS = {
  "conformance-fallback-boolean": { hasAccess: true },
  "conformance-fallback-numeric": { hasAccess: true, value: 30 },
  "conformance-fallback-metered": { hasAccess: true, usageLimit: 5 },
  "conformance-fallback-enum": { hasAccess: true, enumValues: ["eu"] },
} as const;

/** Asked of a customer that nobody knows, while upstream fails. */
function away(title: string, method: SidecarMethod, request: JsonObject, expected: Expected): ConformanceCase {
  return {
    area: "fallbacks",
    title,
    run: ({ whileUpstreamFails, answers, stranger }) =>
      whileUpstreamFails(() => answers(method, { customerId: stranger(), ...request }, expected)),
  };
}

function configured(title: string, method: SidecarMethod, request: JsonObject, expected: Expected): ConformanceCase {
  return { ...away(title, method, request, expected), area: "configured fallbacks", needsFallbacks: true };
}

const OF_THE_CALL = [
  away(
    "GetBooleanEntitlement answers the call's",
    "getBooleanEntitlement",
    {
      featureId: "sso",
      options: { fallback: { hasAccess: true } },
    },
    fallback(true),
  ),
  away(
    "GetNumericEntitlement answers the call's",
    "getNumericEntitlement",
    {
      featureId: "retention",
      options: { fallback: { hasAccess: true, value: 7, isUnlimited: false } },
    },
    { ...fallback(true), entitlement: { value: 7, isUnlimited: false } },
  ),
  away(
    "GetMeteredEntitlement answers the call's",
    "getMeteredEntitlement",
    {
      featureId: "seats",
      options: { requestedUsage: 3, fallback: { hasAccess: true, usageLimit: 5 } },
    },
    { ...fallback(true), requestedUsage: 3, entitlement: { usageLimit: 5, currentUsage: 0, isUnlimited: false } },
  ),
  away(
    "GetMeteredEntitlement takes 1 for requested where nothing is",
    "getMeteredEntitlement",
    {
      featureId: "seats",
      options: { fallback: { hasAccess: true } },
    },
    { ...fallback(true), requestedUsage: 1 },
  ),
  away(
    "GetEnumEntitlement answers the call's",
    "getEnumEntitlement",
    {
      featureId: "regions",
      options: { requestedValues: ["eu"], fallback: { hasAccess: true, enumValues: ["eu"] } },
    },
    { ...fallback(true), requestedValues: ["eu"], entitlement: { enumValues: ["eu"] } },
  ),
  away(
    "GetEntitlement answers the call's, as metered where a usage is requested",
    "getEntitlement",
    {
      featureId: "seats",
      options: { requestedUsage: 3, fallback: { hasAccess: true, usageLimit: 5 } },
    },
    { ...fallback(true), metered: { usageLimit: 5 } },
  ),
  away(
    "GetEntitlement answers the call's, as numeric where it has a value",
    "getEntitlement",
    {
      featureId: "retention",
      options: { fallback: { hasAccess: true, value: 7 } },
    },
    { ...fallback(true), numeric: { value: 7 } },
  ),
  away(
    "GetEntitlement answers the call's, as an enum where it has values",
    "getEntitlement",
    {
      featureId: "regions",
      options: { fallback: { hasAccess: true, enumValues: ["eu"] } },
    },
    { ...fallback(true), enum: { enumValues: ["eu"] } },
  ),
  away(
    "GetEntitlement answers the call's, else as a boolean",
    "getEntitlement",
    {
      featureId: "sso",
      options: { fallback: { hasAccess: true } },
    },
    { ...fallback(true), boolean: {} },
  ),
  away(
    "GetEntitlementV2 grants without a reason",
    "getEntitlementV2",
    {
      featureId: "seats",
      options: { fallback: { hasAccess: true, usageLimit: 5 } },
    },
    { entitlement: { hasAccess: true, isFallback: true, accessDeniedReason: undefined } },
  ),
  away(
    "GetEntitlementV2 answers for credits",
    "getEntitlementV2",
    {
      currencyId: "ink",
      options: { fallback: { hasAccess: true } },
    },
    { entitlement: { hasAccess: true, isFallback: true, accessDeniedReason: undefined } },
  ),
  away(
    "a fallback may deny",
    "getBooleanEntitlement",
    {
      featureId: "sso",
      options: { fallback: { hasAccess: false } },
    },
    fallback(false),
  ),
  away("without one it is denied as UNKNOWN", "getBooleanEntitlement", { featureId: "sso" }, fallback(false)),
  away(
    "without one GetEntitlementV2 denies as UNKNOWN",
    "getEntitlementV2",
    { featureId: "sso" },
    {
      entitlement: fallback(false),
    },
  ),
];

const CONFIGURED = [
  configured(
    "GetBooleanEntitlement answers it",
    "getBooleanEntitlement",
    {
      featureId: "conformance-fallback-boolean",
    },
    fallback(true),
  ),
  configured(
    "GetNumericEntitlement answers it",
    "getNumericEntitlement",
    {
      featureId: "conformance-fallback-numeric",
    },
    { ...fallback(true), entitlement: { value: 30 } },
  ),
  configured(
    "GetMeteredEntitlement answers it",
    "getMeteredEntitlement",
    {
      featureId: "conformance-fallback-metered",
    },
    { ...fallback(true), entitlement: { usageLimit: 5 } },
  ),
  configured(
    "GetEnumEntitlement answers it",
    "getEnumEntitlement",
    {
      featureId: "conformance-fallback-enum",
    },
    { ...fallback(true), entitlement: { enumValues: ["eu"] } },
  ),
  configured(
    "GetEntitlementV2 answers it",
    "getEntitlementV2",
    {
      featureId: "conformance-fallback-boolean",
    },
    { entitlement: { hasAccess: true, isFallback: true } },
  ),
  configured(
    "the call's own goes first",
    "getBooleanEntitlement",
    {
      featureId: "conformance-fallback-boolean",
      options: { fallback: { hasAccess: false } },
    },
    fallback(false),
  ),
  configured(
    "GetEntitlements lists them",
    "getEntitlements",
    {},
    {
      accessDeniedReason: reason("UNKNOWN"),
      entitlements: listsAll,
    },
  ),
  configured(
    "GetEntitlementsStateV2 lists them",
    "getEntitlementsStateV2",
    {},
    {
      accessDeniedReason: reason("UNKNOWN"),
      entitlements: listsAll,
    },
  ),
];

/** Other features may be configured besides. */
function listsAll(listed: unknown): string | undefined {
  const text = JSON.stringify(listed);
  const missing = Object.keys(FALLBACKS).filter((id) => !text.includes(`"${id}"`));
  return missing.length === 0 ? undefined : `must list ${missing.join(", ")}`;
}

export const FALLBACK_CASES = [
  ...OF_THE_CALL,
  ...questions("fallbacks", [
    {
      title: "they are not answered where the state is known",
      method: "getBooleanEntitlement",
      request: { featureId: "branding", options: { fallback: { hasAccess: true } } },
      expected: { hasAccess: false, isFallback: false },
    },
    {
      title: "GetEntitlement answers the call's for a feature that is not there",
      method: "getEntitlement",
      request: { featureId: "no-such-feature", options: { fallback: { hasAccess: true } } },
      expected: { hasAccess: true, isFallback: true },
    },
  ]),
  ...cases("fallbacks", [
    [
      "who was answered for is known while upstream fails",
      async ({ whileUpstreamFails, answers, who }) => {
        const question = { customerId: who("remembered"), featureId: "seats", options: { requestedUsage: 2 } };
        await answers("getMeteredEntitlement", question, granted);
        await whileUpstreamFails(() =>
          answers("getMeteredEntitlement", question, { ...granted, entitlement: { usageLimit: 10 } }),
        );
      },
    ],
    [
      "who was answered for by a fallback is known once upstream is back",
      async ({ whileUpstreamFails, answers, eventually, who }) => {
        const question = { customerId: who("recovered"), featureId: "seats", options: { requestedUsage: 2 } };
        await whileUpstreamFails(() => answers("getMeteredEntitlement", question, fallback(false)));
        await eventually("getMeteredEntitlement", question, granted);
      },
    ],
    [
      "an upstream that never answers does not keep a check from its answer",
      async ({ control, answers, stranger }) => {
        await control.inject({ target: "edge", kind: "hang" });
        await control.inject({ target: "api", kind: "hang" });
        try {
          await answers("getBooleanEntitlement", { customerId: stranger(), featureId: "sso" }, fallback(false));
        } finally {
          await control.clear();
        }
      },
    ],
  ]),
  ...CONFIGURED,
];

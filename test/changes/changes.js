/**
 * The changes of docs/where-to-change.md, made: where each begins, and what it takes in the files that are then named.
 * An edit is [file, text that is there, text that is put behind it]. `tests` keep what no compiler sees: each fails until
 * its own edits are made.
 */

const PROTO = "proto/stigg/sidecar/v1/sidecar.proto";
const WIRE_VALUES = "src/adapters/rpc/answers/wire-values.ts";
const ENTITLEMENTS = "src/adapters/rpc/answers/describe-entitlements.ts";
const ANSWERS = "src/adapters/rpc/answers/describe-answers.ts";
const LISTS = "test/unit/house/where-to-change.test.ts";

/** Where a oneof of the kinds begins, and the first number that is free in it. */
const ONEOFS_OF_KINDS = [
  ["  // Always set, to the kind of the feature.\n  oneof entitlement {\n", 5],
  ["Not set where the customer has no entitlement for the feature.\n  oneof entitlement {\n", 8],
  ["Not set where the customer has no such entitlement.\n  oneof entitlement {\n", 9],
];

export const CHANGES = [
  {
    name: "a denied reason",
    begin: [
      ["src/domain/decision/access-denied-reason.ts", '  "FeatureTypeMismatch",\n', '  "Frozen",\n'],
      [PROTO, "ACCESS_DENIED_REASON_ENTITLEMENT_NOT_FOUND = 14;\n", "  ACCESS_DENIED_REASON_FROZEN = 15;\n"],
    ],
    then: [
      [WIRE_VALUES, "  FeatureTypeMismatch: WireReason.FEATURE_TYPE_MISMATCH,\n", "  Frozen: WireReason.FROZEN,\n"],
    ],
  },
  {
    name: "a reset period",
    begin: [
      ["src/domain/usage/usage-period.ts", '"YEAR", ', '"QUARTER", '],
      [PROTO, "ENTITLEMENT_RESET_PERIOD_YEAR = 5;\n", "  ENTITLEMENT_RESET_PERIOD_QUARTER = 6;\n"],
    ],
    then: [
      [
        "src/domain/usage/usage-period.ts",
        "      return calendarPeriodAt(anchor, 12, now);\n",
        '    case "QUARTER":\n      return calendarPeriodAt(anchor, 3, now);\n',
      ],
      ["src/wire/reset-period-configuration.ts", "  DAY: undefined,\n", "  QUARTER: undefined,\n"],
      [WIRE_VALUES, "  YEAR: EntitlementResetPeriod.YEAR,\n", "  QUARTER: EntitlementResetPeriod.QUARTER,\n"],
    ],
    tests: {
      [LISTS]: [
        ["schema/catalog.schema.json", '"enum": ["YEAR", ', '"QUARTER", '],
        ["schema/change-message.schema.json", '"resetPeriod": { "enum": ["YEAR", ', '"QUARTER", '],
      ],
    },
  },
  {
    name: "a feature kind",
    begin: [
      ["src/domain/feature.ts", 'FEATURE_KINDS = ["boolean", ', '"dated", '],
      [
        PROTO,
        "message BooleanEntitlement {\n  optional EntitlementFeature feature = 4;\n}\n",
        "message DatedEntitlement {\n  optional EntitlementFeature feature = 4;\n}\n",
      ],
      ...ONEOFS_OF_KINDS.map(([there, number]) => [PROTO, there, `    DatedEntitlement dated = ${number};\n`]),
    ],
    then: [
      ["src/domain/decision/decide-feature.ts", '    case "boolean":\n', '    case "dated":\n'],
      ["src/wire/decode-entitlement.ts", '    case "boolean":\n', '    case "dated":\n'],
      ["src/adapters/catalog/model/compile-catalog.ts", '  boolean: "BOOLEAN",\n', '  dated: "BOOLEAN",\n'],
      [
        "src/adapters/catalog/model/compile-terms.ts",
        '  boolean: ["creditRate", "revoked", "validUntil"],\n',
        '  dated: ["validUntil"],\n',
      ],
      ["src/adapters/catalog/model/compile-terms.ts", '  boolean: "true or false",\n', '  dated: "true or false",\n'],
      [
        ENTITLEMENTS,
        "  feature: FEATURES,\n});\n",
        "\nconst DATED = featureEntitlement(DatedEntitlementSchema, {\n  feature: FEATURES,\n});\n",
      ],
      [ENTITLEMENTS, "export const KINDS = { ", "dated: DATED, "],
      [ENTITLEMENTS, "  CreditEntitlementSchema,\n", "  DatedEntitlementSchema,\n"],
      [ANSWERS, "credit: CREDIT, ", "dated: NOT_SENT, "],
      ["src/adapters/rpc/ofrep/ofrep-calls.ts", '  boolean: "boolean",\n', '  dated: "boolean",\n'],
      ["src/domain/decision/compare-access.ts", '    case "boolean":\n', '    case "dated":\n'],
      ["src/bootstrap/cli/commands/describe-answer.ts", '    case "boolean":\n', '    case "dated":\n'],
    ],
    tests: { [LISTS]: [["schema/catalog.schema.json", '"enum": ["boolean", ', '"dated", ']] },
  },
  {
    name: "a field of an entitlement",
    begin: [
      [
        "src/domain/entitlement.ts",
        "  readonly resetPeriod: ResetPeriod | undefined;\n",
        "  readonly rollover: number | undefined;\n",
      ],
    ],
    then: [
      [
        "src/domain/build-customer-state.ts",
        "  readonly resetPeriod?: ResetPeriod | undefined;\n",
        "  readonly rollover?: number | undefined;\n",
      ],
      [
        "src/domain/build-customer-state.ts",
        "    resetPeriod: input.resetPeriod,\n",
        "    rollover: input.rollover,\n",
      ],
      [
        "src/adapters/cache/memory/feature-terms.ts",
        "    resetPeriod: stated.resetPeriod,\n",
        "    rollover: stated.rollover,\n",
      ],
      [
        "src/adapters/cache/memory/feature-terms.ts",
        "      own.resetPeriod === stated.resetPeriod &&\n",
        "      own.rollover === stated.rollover &&\n",
      ],
      [
        "src/wire/decode-entitlement.ts",
        '    hasSoftLimit: fields.optionalFlag("hasSoftLimit"),\n',
        '    rollover: fields.optionalNumber("rollover"),\n',
      ],
      [
        "src/adapters/cache/redis/codec/decode-entitlement.ts",
        '    hasSoftLimit: calculated.optionalFlag("hasSoftLimit"),\n',
        '    rollover: calculated.optionalNumber("rollover"),\n',
      ],
      [
        "src/adapters/cache/redis/codec/encode-entitlement.ts",
        "      hasSoftLimit: entitlement.hasSoftLimit,\n",
        "      rollover: entitlement.rollover,\n",
      ],
      [
        "src/adapters/catalog/engine/derive-state.ts",
        "    hasSoftLimit: terms.hasSoftLimit,\n",
        "    rollover: undefined,\n",
      ],
      [
        "src/adapters/emulator/encoding/encode-state.ts",
        "    hasUnlimitedUsage: entitlement.hasUnlimitedUsage,\n",
        "    rollover: entitlement.rollover ?? null,\n",
      ],
    ],
  },
  {
    name: "a field of a decision",
    begin: [
      ["src/domain/decision/decision.ts", "export interface FeatureDecision {\n", "  readonly isTrial: boolean;\n"],
      [PROTO, "message GetBooleanEntitlementResponse {\n", "  bool is_trial = 5;\n"],
    ],
    then: [
      ["src/domain/decision/decision.ts", "  return {\n    hasAccess: values.hasAccess,\n", "    isTrial: false,\n"],
      ["src/domain/decision/decide-feature.ts", "return { hasAccess: true, ", "isTrial: false, "],
      ["src/domain/decision/decide-feature.ts", "return { hasAccess: false, ", "isTrial: false, "],
      [ANSWERS, "GetBooleanEntitlementResponseSchema, { ", "isTrial: ({ isTrial }) => isTrial, "],
    ],
  },
  {
    name: "a method of the service",
    begin: [
      [
        PROTO,
        "service SidecarService {\n",
        "  rpc GetFeatures(GetEntitlementsRequest) returns (GetEntitlementsResponse) {}\n",
      ],
    ],
    then: [
      ["src/adapters/rpc/service/served-methods.ts", '  getEntitlements: "check",\n', '  getFeatures: "check",\n'],
      [
        "src/adapters/rpc/service/sidecar-calls.ts",
        "    ...listCalls(useCases.list, encode, bounds.maxIdBytes),\n",
        "    getFeatures: listCalls(useCases.list, encode, bounds.maxIdBytes).getEntitlements,\n",
      ],
      [
        "src/adapters/rpc/protocols/rpc-router.ts",
        "    getEntitlements: serve(calls.getEntitlements),\n",
        "    getFeatures: serve(calls.getFeatures),\n",
      ],
    ],
  },
  {
    name: "an upstream event type",
    begin: [
      [
        "src/adapters/stream/subscriptions.ts",
        'export type SubscriptionKind = "entitlements-updated" | ',
        '"plan-archived" | ',
      ],
    ],
    then: [
      [
        "src/adapters/stream/subscriptions.ts",
        '  document: "subscription OnPackagePublished { packagePublished { migrationType } }",\n};\n',
        `
export const PLAN_ARCHIVED: Subscription = {
  kind: "plan-archived",
  name: "OnPlanArchived",
  field: "planArchived",
  document: "subscription OnPlanArchived { planArchived { id } }",
};
`,
      ],
      [
        "src/adapters/stream/subscriptions.ts",
        '  "package-published": PACKAGE_PUBLISHED,\n',
        '  "plan-archived": PLAN_ARCHIVED,\n',
      ],
      [
        "src/adapters/stream/subscriptions.ts",
        "        return decodeUsageUpdated(fields);\n",
        '      case "plan-archived":\n        return EVERYTHING_CHANGED;\n',
      ],
    ],
  },
  {
    name: "a cache store",
    begin: [["src/ports/cache-store.ts", "  readonly size: CacheSize;\n", "\n  close(): void;\n"]],
    then: [
      [
        "src/adapters/cache/memory/memory-cache.ts",
        "export class MemoryCache implements CacheStore {\n",
        "  close(): void {}\n",
      ],
      [
        "src/adapters/cache/redis/store/redis-cache-store.ts",
        "export class RedisCacheStore implements CacheStore {\n",
        "  close(): void {}\n",
      ],
      [
        "src/application/drill/unwritten-store.ts",
        "export class UnwrittenStore implements CacheStore {\n",
        "  close(): void {}\n",
      ],
    ],
  },
  {
    name: "an environment variable",
    begin: [
      [
        "src/bootstrap/config/settings/settings.ts",
        "export const SETTINGS = {\n",
        '  example: withDefault("EXAMPLE", boolean, true, { description: "an example" }),\n',
      ],
    ],
    then: [],
    tests: {
      "test/unit/bootstrap/config/configuration-page.test.ts": [
        [
          "docs/configuration.md",
          "| variable | default | meaning |\n| --- | --- | --- |\n",
          "| EXAMPLE | true | an example |\n",
        ],
      ],
    },
  },
  {
    name: "a metric",
    begin: [["src/ports/telemetry.ts", "  cacheMisses: number;\n", "  cacheRefusals: number;\n"]],
    then: [
      ["src/ports/telemetry.ts", "    cacheMisses: 0,\n", "    cacheRefusals: 0,\n"],
      [
        "src/adapters/ops/metrics/sidecar-metrics.ts",
        "    (t) => t.cacheMisses,\n  ),\n",
        '  cacheRefusals: counter("sidecar_cache_refusals_total", "An example.", (t) => t.cacheRefusals),\n',
      ],
    ],
    tests: {
      "test/unit/adapters/ops/metrics-table.test.ts": [
        [
          "docs/metrics.md",
          "| `sidecar_cache_misses_total` | counter |  | Checks for which a state had to be fetched first. |\n",
          "| `sidecar_cache_refusals_total` | counter |  | An example. |\n",
        ],
      ],
    },
  },
];

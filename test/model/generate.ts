import type {
  CreditEntitlementInput,
  CustomerStateInput,
  FeatureEntitlementInput,
} from "../../src/domain/build-customer-state.js";
import type { AccessDeniedReason } from "../../src/domain/decision/access-denied-reason.js";
import type { CreditQuery, FeatureQuery } from "../../src/domain/decision/decision.js";
import type { FallbackValues } from "../../src/domain/decision/fallback.js";
import type { Feature } from "../../src/domain/feature.js";
import type { Subject } from "../../src/domain/subject.js";
import type { Usage } from "../../src/domain/usage/usage.js";
import type { ResetPeriod } from "../../src/domain/usage/usage-period.js";
import type { ModelChange } from "./cached-states.js";
import type { Random } from "./random.js";

/** States, queries and changes from small pools, so that the same names and numbers meet often. */
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Around which everything happens, epoch milliseconds: the end of a February, the end of a year, an ordinary time. */
const TIMES = [Date.UTC(2028, 1, 29, 12), Date.UTC(2026, 11, 31, 23, 59, 59), Date.UTC(2026, 2, 10, 10, 5)];
const ANCHORS = [
  Date.UTC(2026, 0, 31),
  Date.UTC(2024, 1, 29),
  Date.UTC(2026, 0, 15),
  Date.UTC(2025, 11, 31, 23, 30),
  Date.UTC(2026, 4, 15),
  Date.UTC(1969, 6, 20),
];
const NUMBERS = [
  0, 1, 2, 3, 5, 8, 10, 0.1, 0.2, 0.3, 0.7, 1.1, 2.675, 99.99, 1e-7, 123456789012.345, 9007199254740991, 1e15,
];
const RESETS: readonly ResetPeriod[] = ["YEAR", "MONTH", "WEEK", "DAY", "HOUR"];
const REASONS: readonly AccessDeniedReason[] = [
  "InsufficientCredits",
  "Revoked",
  "BudgetExceeded",
  "CustomerNotFound",
  "NoActiveSubscription",
  "Unknown",
];
const VALUES = ["a", "b", "c", ""];
export const FEATURE_IDS = ["f", "g", "h", "switch", "size", "region"];
export const CURRENCY_IDS = ["credits", "tokens"];
export const SUBJECTS: readonly Subject[] = [
  { customerId: "c" },
  { customerId: "c", resourceId: "r" },
  { customerId: "c", resourceId: "s" },
  { customerId: "c_r", resourceId: "r" },
  { customerId: "d" },
];

export function someTime(random: Random): number {
  return (
    random.pick(TIMES) +
    (random.chance(0.5)
      ? random.pick([-1, 0, 1, HOUR, -HOUR, DAY, 31 * DAY, -DAY])
      : random.below(400 * DAY) - 200 * DAY)
  );
}

export function someSubject(random: Random): Subject {
  return random.pick(SUBJECTS);
}

/** @param now timestamps lie around it */
export function someState(random: Random, now: number): CustomerStateInput {
  const features = random.some(FEATURE_IDS, 0.6).map((id) => someFeature(random, id, now));
  const credits = random.some(CURRENCY_IDS, 0.4).map((id) => someWallet(random, id, now));
  const isBare = features.length + credits.length === 0;
  return {
    features,
    credits,
    ...optional("accessDeniedReason", random, isBare ? 0.7 : 0.1, () => random.pick(REASONS)),
    ...optional("updatedAt", random, 0.9, () => nearby(random, now)),
    ...optional("unknown", random, 0.1, () => [
      { type: random.pick(["feature", "credit"] as const), id: random.pick([...FEATURE_IDS, ...CURRENCY_IDS, ""]) },
    ]),
  };
}

export function someUsage(random: Random, now: number, hasPeriod = random.chance(0.6)): Usage {
  const end = random.chance(0.5)
    ? now + random.pick([-1, 0, 1, HOUR, -HOUR, 40 * DAY, -40 * DAY])
    : now + random.below(60 * DAY) - 30 * DAY;
  return {
    currentUsage: someAmount(random),
    ...(hasPeriod ? { periodStart: end - random.pick([HOUR, DAY, 7 * DAY, 30 * DAY]), periodEnd: end } : {}),
    ...optional("updatedAt", random, 0.9, () => nearby(random, now)),
  };
}

export function someFeatureQuery(random: Random): FeatureQuery {
  return {
    featureId: random.pick([...FEATURE_IDS, "none"]),
    kind: random.chance(0.4) ? random.pick(["boolean", "numeric", "metered", "enum"] as const) : undefined,
    requestedUsage: random.chance(0.7) ? someAmount(random) : random.pick([undefined, -1, 0.1]),
    requestedValues: random.some(VALUES, 0.3),
    fallback: random.chance(0.3) ? someFallback(random) : undefined,
    fallbackWhenUnknown: random.chance(0.3),
  };
}

export function someCreditQuery(random: Random): CreditQuery {
  return {
    currencyId: random.pick([...CURRENCY_IDS, "none"]),
    requestedUsage: random.chance(0.7) ? someAmount(random) : random.pick([undefined, -1]),
    fallback: random.chance(0.3) ? someFallback(random) : undefined,
  };
}

export function someFallbacks(random: Random): Record<string, FallbackValues> {
  return Object.fromEntries(random.some([...FEATURE_IDS, "none"], 0.3).map((id) => [id, someFallback(random)]));
}

export function someChange(random: Random, now: number): ModelChange {
  const subject = someSubject(random);
  switch (random.below(8)) {
    case 0:
      return { type: "subject-invalidated", subject };
    case 1:
      return {
        type: "entitlements-updated",
        subject,
        state: random.chance(0.5) ? {} : { accessDeniedReason: random.pick(REASONS) },
      };
    case 2:
    case 3:
      return { type: "entitlements-updated", subject, state: someState(random, now) };
    default: {
      const type = random.chance(0.8) ? "feature" : "credit";
      return {
        type: "usage-updated",
        subject,
        entitlement: { type, id: random.pick(type === "feature" ? FEATURE_IDS : CURRENCY_IDS) },
        usage: someUsage(random, now),
      };
    }
  }
}

export function someAmount(random: Random): number {
  return random.chance(0.8) ? random.pick(NUMBERS) : Math.round(random.below(1_000_000)) / random.pick([1, 10, 1_000]);
}

function someFeature(random: Random, id: string, now: number): FeatureEntitlementInput {
  const feature = someDefinition(random, id);
  const resetPeriod = random.chance(0.6) ? random.pick(RESETS) : undefined;
  const usage = someUsage(random, now, resetPeriod !== undefined || random.chance(0.1));
  return {
    feature,
    ...optional("usageLimit", random, 0.9, () => (random.chance(0.1) ? null : someAmount(random))),
    ...optional("hasUnlimitedUsage", random, 0.1, () => true),
    ...optional("hasSoftLimit", random, 0.1, () => true),
    ...optional("enumValues", random, feature.featureType === "ENUM" ? 0.9 : 0.05, () => random.some(VALUES, 0.6)),
    ...optional("accessDeniedReason", random, 0.1, () => random.pick(REASONS)),
    ...optional("validUntil", random, 0.1, () => now + random.pick([-DAY, 1, DAY, 40 * DAY])),
    ...optional("creditRate", random, 0.25, () => ({
      amount: random.pick([1, 2, 0.1, 0.25, 3]),
      currencyId: random.pick(CURRENCY_IDS),
    })),
    ...(resetPeriod === undefined ? {} : { resetPeriod }),
    usage: {
      ...usage,
      ...(resetPeriod !== undefined && random.chance(0.9) ? { periodAnchor: random.pick(ANCHORS) } : {}),
    },
  };
}

/** Mostly the same for one id, as in a catalog. */
function someDefinition(random: Random, id: string): Feature {
  if (random.chance(0.9)) return usualDefinition(id);
  return {
    id,
    featureType: random.pick(["BOOLEAN", "NUMBER", "ENUM"] as const),
    ...optional("meterType", random, 0.7, () => random.pick(["None", "Fluctuating", "Incremental"] as const)),
  };
}

/** Of each id one definition. */
export function usualDefinition(id: string): Feature {
  if (id === "switch") return { id, featureType: "BOOLEAN" };
  if (id === "size") return { id, featureType: "NUMBER" };
  if (id === "region") return { id, featureType: "ENUM" };
  return { id, featureType: "NUMBER", meterType: id === "g" ? "Fluctuating" : "Incremental" };
}

function someWallet(random: Random, currencyId: string, now: number): CreditEntitlementInput {
  return {
    currency: { currencyId, displayName: currencyId },
    usageLimit: random.pick([0, 5, 10, someAmount(random)]),
    ...optional("hasSoftLimit", random, 0.1, () => true),
    ...optional("accessDeniedReason", random, 0.1, () => random.pick(REASONS)),
    ...optional("validUntil", random, 0.1, () => now + random.pick([-DAY, 1, DAY])),
    usage: someUsage(random, now, false),
  };
}

function someFallback(random: Random): FallbackValues {
  return {
    hasAccess: random.chance(0.5),
    ...optional("usageLimit", random, 0.3, () => someAmount(random)),
    ...optional("isUnlimited", random, 0.2, () => true),
    ...optional("value", random, 0.2, () => someAmount(random)),
    ...optional("enumValues", random, 0.2, () => random.some(VALUES, 0.5)),
  };
}

/** Few different ones, so that many are equal. */
function nearby(random: Random, now: number): number {
  return now + random.pick([-DAY, -2, -1, 0, 1, 2]);
}

function optional<K extends string, V>(
  key: K,
  random: Random,
  probability: number,
  make: () => V,
): Partial<Record<K, V>> {
  return random.chance(probability) ? ({ [key]: make() } as Partial<Record<K, V>>) : {};
}

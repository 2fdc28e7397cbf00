import type {
  CreditEntitlementInput,
  CustomerStateInput,
  FeatureEntitlementInput,
} from "../../src/domain/build-customer-state.js";
import type { AccessDeniedReason } from "../../src/domain/decision/access-denied-reason.js";
import type { CreditQuery, FeatureQuery } from "../../src/domain/decision/decision.js";
import type { FallbackValues } from "../../src/domain/decision/fallback.js";
import type { FeatureKind } from "../../src/domain/feature.js";
import type { Usage } from "../../src/domain/usage/usage.js";
import type { ResetPeriod } from "../../src/domain/usage/usage-period.js";
import { periodOf } from "./calendar.js";
import { fits, Total } from "./exact.js";

/** What a check must answer: the rules of the contract, in their order, on a state as it is written down. */
export interface ModelAnswer {
  readonly hasAccess: boolean;
  readonly reason: AccessDeniedReason | undefined;
  readonly fallback?: FallbackValues | undefined;
  readonly currentUsage?: number | undefined;
  readonly periodStart?: number | undefined;
  readonly periodEnd?: number | undefined;
  readonly remaining?: number | undefined;
}

export type ConfiguredFallbacks = Readonly<Record<string, FallbackValues>>;

const DENIED: FallbackValues = { hasAccess: false };

export function featureAnswer(
  state: CustomerStateInput,
  query: FeatureQuery,
  now: number,
  configured: ConfiguredFallbacks = {},
): ModelAnswer {
  const given = query.fallback ?? configured[query.featureId];
  const entitlement = featureIn(state, query.featureId);
  if (entitlement === undefined) {
    if (couldNotBeRead(state, "feature", query.featureId)) return inPlaceOf(given, "Unknown");
    if (query.fallbackWhenUnknown && given !== undefined) return inPlaceOf(given, "Unknown");
    return denial(state.accessDeniedReason ?? "NoFeatureEntitlementInSubscription");
  }
  const kind = kindOf(entitlement);
  if (query.kind !== undefined && query.kind !== kind) return inPlaceOf(given, "FeatureTypeMismatch");
  const usage = kind === "metered" ? usageNow(entitlement.usage, entitlement.resetPeriod, now) : undefined;
  const reason = reasonAgainst(state, entitlement, kind, usage?.currentUsage ?? 0, query);
  return { hasAccess: reason === undefined, reason, ...(usage === undefined ? {} : visible(usage)) };
}

export function featureAnswerWithoutState(query: FeatureQuery, configured: ConfiguredFallbacks = {}): ModelAnswer {
  return inPlaceOf(query.fallback ?? configured[query.featureId], "Unknown");
}

export function creditAnswer(state: CustomerStateInput, query: CreditQuery): ModelAnswer {
  const wallet = walletIn(state, query.currencyId);
  if (wallet === undefined) {
    if (couldNotBeRead(state, "credit", query.currencyId))
      return { ...inPlaceOf(query.fallback, "Unknown"), remaining: 0 };
    return { ...denial(state.accessDeniedReason ?? "EntitlementNotFound"), remaining: 0 };
  }
  const reason =
    wallet.accessDeniedReason ?? (covers(wallet, query.requestedUsage, 1) ? undefined : "InsufficientCredits");
  return { hasAccess: reason === undefined, reason, remaining: remainingOf(wallet) };
}

/** Usage as it reads at a time: 0 in the period of that time, once its own is over. */
export function usageNow(usage: Usage | undefined, reset: ResetPeriod | undefined, now: number): Usage {
  if (usage === undefined) return { currentUsage: 0 };
  if (usage.periodEnd === undefined || now <= usage.periodEnd) return usage;
  const { periodAnchor, updatedAt } = usage;
  if (periodAnchor === undefined || reset === undefined) return { currentUsage: 0, periodAnchor, updatedAt };
  const { start, end } = periodOf(periodAnchor, reset, now);
  return { currentUsage: 0, periodAnchor, periodStart: start, periodEnd: end, updatedAt };
}

export function featureIn({ features = [] }: CustomerStateInput, id: string): FeatureEntitlementInput | undefined {
  return features.findLast(({ feature }) => feature.id === id);
}

export function walletIn({ credits = [] }: CustomerStateInput, id: string): CreditEntitlementInput | undefined {
  return credits.findLast(({ currency }) => currency.currencyId === id);
}

/** A state that says nothing but why it is empty. */
export function isEmpty({ features = [], credits = [], unknown = [] }: CustomerStateInput): boolean {
  return features.length + credits.length + unknown.length === 0;
}

function reasonAgainst(
  state: CustomerStateInput,
  entitlement: FeatureEntitlementInput,
  kind: FeatureKind,
  used: number,
  { requestedUsage, requestedValues }: FeatureQuery,
): AccessDeniedReason | undefined {
  const { accessDeniedReason: own, creditRate } = entitlement;
  const mayCost = kind === "metered" || kind === "boolean";
  const wallet = creditRate === undefined || !mayCost ? undefined : walletIn(state, creditRate.currencyId);
  if (own !== undefined && (own !== "InsufficientCredits" || wallet === undefined)) return own;
  if (kind === "enum" && requestedValues.some((value) => !(entitlement.enumValues ?? []).includes(value)))
    return "RequestedValuesMismatch";
  if (kind === "metered" && entitlement.hasUnlimitedUsage !== true && entitlement.hasSoftLimit !== true) {
    if (!fits(entitlement.usageLimit ?? 0, used, Math.max(0, requestedUsage ?? 0)))
      return "RequestedUsageExceedingLimit";
  }
  if (wallet === undefined || creditRate === undefined) return undefined;
  const isWithheld = wallet.accessDeniedReason !== undefined && wallet.accessDeniedReason !== "InsufficientCredits";
  return isWithheld || !covers(wallet, requestedUsage, creditRate.amount) ? "InsufficientCredits" : undefined;
}

function covers(wallet: CreditEntitlementInput, requested: number | undefined, rate: number): boolean {
  if (wallet.hasSoftLimit === true) return true;
  const used = wallet.usage?.currentUsage ?? 0;
  if (requested === undefined || requested < 0) return new Total(wallet.usageLimit).add(used, -1).sign > 0;
  return fits(wallet.usageLimit, used, requested, rate);
}

function remainingOf(wallet: CreditEntitlementInput): number {
  const left = new Total(wallet.usageLimit).add(wallet.usage?.currentUsage ?? 0, -1);
  return left.sign < 0 && wallet.hasSoftLimit !== true ? 0 : left.value;
}

function kindOf({ feature: { featureType, meterType } }: FeatureEntitlementInput): FeatureKind {
  if (featureType !== "NUMBER") return featureType === "ENUM" ? "enum" : "boolean";
  return meterType === undefined || meterType === "None" ? "numeric" : "metered";
}

function couldNotBeRead({ unknown = [] }: CustomerStateInput, type: "feature" | "credit", id: string): boolean {
  return unknown.some((each) => each.type === type && (each.id === id || each.id === ""));
}

function inPlaceOf(fallback: FallbackValues | undefined, reason: AccessDeniedReason): ModelAnswer {
  const values = fallback ?? DENIED;
  return { hasAccess: values.hasAccess, reason, fallback: values };
}

function denial(reason: AccessDeniedReason): ModelAnswer {
  return { hasAccess: false, reason };
}

function visible({
  currentUsage,
  periodStart,
  periodEnd,
}: Usage): Pick<ModelAnswer, "currentUsage" | "periodStart" | "periodEnd"> {
  return { currentUsage, periodStart, periodEnd };
}

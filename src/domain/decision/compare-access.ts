import type { CustomerState } from "../customer-state.js";
import type { FeatureEntitlement } from "../entitlement.js";
import { decideCredit } from "./decide-credit.js";
import { decideFeature } from "./decide-feature.js";

/** What of one entitlement is another under another state. `change`: the same access, under other terms. */
export interface AccessChange {
  readonly is: "gain" | "loss" | "change";
  readonly type: "feature" | "credit";
  readonly id: string;
  /** In a few words: "denied (Revoked)", "granted, 7 of 10". */
  readonly before: string;
  readonly after: string;
}

/** What a subject may do, nothing requested, under one state and under another: only what differs. */
export function* compareAccess(before: CustomerState, after: CustomerState, now: number): Iterable<AccessChange> {
  for (const id of new Set([...featureIds(before), ...featureIds(after)])) {
    yield* changeOf("feature", id, featureAccess(before, id, now), featureAccess(after, id, now));
  }
  for (const id of new Set([...currencyIds(before), ...currencyIds(after)])) {
    yield* changeOf("credit", id, creditAccess(before, id), creditAccess(after, id));
  }
}

/** What may be had: access first, then how much. */
interface Access {
  readonly hasAccess: boolean;
  readonly limit: number;
  readonly text: string;
}

function* changeOf(type: AccessChange["type"], id: string, before: Access, after: Access): Iterable<AccessChange> {
  if (before.text === after.text) return;
  yield { is: directionOf(before, after), type, id, before: before.text, after: after.text };
}

function directionOf(before: Access, after: Access): AccessChange["is"] {
  if (before.hasAccess !== after.hasAccess) return after.hasAccess ? "gain" : "loss";
  if (before.limit === after.limit) return "change";
  return after.limit > before.limit ? "gain" : "loss";
}

function featureAccess(state: CustomerState, featureId: string, now: number): Access {
  const query = {
    featureId,
    kind: undefined,
    requestedUsage: undefined,
    requestedValues: [],
    fallback: undefined,
    fallbackWhenUnknown: false,
  };
  const { hasAccess, accessDeniedReason, entitlement, usage } = decideFeature(state, query, now);
  const terms = entitlement === undefined ? "" : termsOf(entitlement, usage?.currentUsage);
  return { hasAccess, limit: limitOf(entitlement), text: `${verdictOf(hasAccess, accessDeniedReason)}${terms}` };
}

function limitOf(entitlement: FeatureEntitlement | undefined): number {
  if (entitlement === undefined) return 0;
  if (entitlement.kind === "enum") return entitlement.enumValues.length;
  return entitlement.hasUnlimitedUsage ? Infinity : (entitlement.usageLimit ?? 0);
}

function termsOf(
  { kind, usageLimit = 0, hasUnlimitedUsage, hasSoftLimit, enumValues }: FeatureEntitlement,
  used = 0,
): string {
  switch (kind) {
    case "boolean":
      return "";
    case "enum":
      return `, ${enumValues.join(" ") || "no values"}`;
    case "numeric":
      return `, ${hasUnlimitedUsage ? "unlimited" : usageLimit}`;
    case "metered":
      return hasUnlimitedUsage
        ? ", unlimited"
        : `, ${used} of ${usageLimit} used${hasSoftLimit ? ", a soft limit" : ""}`;
  }
}

function creditAccess(state: CustomerState, currencyId: string): Access {
  const { hasAccess, accessDeniedReason, entitlement, remaining } = decideCredit(state, {
    currencyId,
    requestedUsage: undefined,
    fallback: undefined,
  });
  const limit = entitlement?.usageLimit ?? 0;
  return { hasAccess, limit, text: `${verdictOf(hasAccess, accessDeniedReason)}, ${remaining} of ${limit} left` };
}

function verdictOf(hasAccess: boolean, reason: string | undefined): string {
  return hasAccess ? "granted" : `denied (${reason ?? "Unknown"})`;
}

function* featureIds(state: CustomerState): Iterable<string> {
  for (const { feature } of state.features()) yield feature.id;
}

function* currencyIds(state: CustomerState): Iterable<string> {
  for (const { currency } of state.credits()) yield currency.currencyId;
}

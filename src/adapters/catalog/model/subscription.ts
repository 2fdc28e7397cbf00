import { type ResetPeriod, type UsagePeriod, usagePeriodAt } from "../../../domain/usage/usage-period.js";
import type { ResetAnchor } from "../file/catalog-input.js";
import type { EntitlementTerms, SubjectDefinition } from "./catalog-model.js";

/** A first of January, of a month and of a week (a Monday) at once: periods from here are calendar periods in UTC. */
const CALENDAR_ANCHOR = Date.UTC(2024, 0, 1);
const DAY_MS = 86_400_000;

const ANCHORS: Record<Exclude<ResetAnchor, "SubscriptionStart">, number> = {
  StartOfTheMonth: CALENDAR_ANCHOR,
  EveryMonday: CALENDAR_ANCHOR,
  EveryTuesday: CALENDAR_ANCHOR + DAY_MS,
  EveryWednesday: CALENDAR_ANCHOR + 2 * DAY_MS,
  EveryThursday: CALENDAR_ANCHOR + 3 * DAY_MS,
  EveryFriday: CALENDAR_ANCHOR + 4 * DAY_MS,
  EverySaturday: CALENDAR_ANCHOR + 5 * DAY_MS,
  EverySunday: CALENDAR_ANCHOR + 6 * DAY_MS,
};

/** From where a subject's periods are counted, epoch milliseconds. */
export function periodAnchor({ anchor }: SubjectDefinition, resetAnchor: ResetAnchor): number {
  return resetAnchor === "SubscriptionStart" ? (anchor ?? CALENDAR_ANCHOR) : ANCHORS[resetAnchor];
}

export interface Resetting {
  readonly resetPeriod: ResetPeriod | undefined;
  readonly resetAnchor: ResetAnchor;
}

/** Of each kind of period the last that was looked for: of one report it is asked for several times, and many subjects share theirs. */
const lastPeriods = new Map<ResetPeriod, { readonly anchor: number; readonly period: UsagePeriod }>();

/** The period that contains `now`; undefined where usage never begins anew. */
export function periodOf(
  definition: SubjectDefinition,
  { resetPeriod, resetAnchor }: Resetting,
  now: number,
): UsagePeriod | undefined {
  if (resetPeriod === undefined) return undefined;
  const anchor = periodAnchor(definition, resetAnchor);
  const last = lastPeriods.get(resetPeriod);
  if (last?.anchor === anchor && last.period.start <= now && now < last.period.end) return last.period;
  const period = usagePeriodAt(anchor, resetPeriod, now);
  if (period !== undefined) lastPeriods.set(resetPeriod, { anchor, period });
  return period;
}

export function isSubscribed({ plan, startedAt, validUntil }: SubjectDefinition, now: number): boolean {
  return plan !== undefined && now >= (startedAt ?? -Infinity) && now < (validUntil ?? Infinity);
}

/** When the subscription next begins or ends, epoch milliseconds, or Infinity. */
export function nextSubscriptionChange({ plan, startedAt, validUntil }: SubjectDefinition, now: number): number {
  if (plan === undefined) return Infinity;
  if (startedAt !== undefined && now < startedAt) return startedAt;
  return validUntil !== undefined && now < validUntil ? validUntil : Infinity;
}

/** When the subscription last began or ended, epoch milliseconds, or -Infinity. */
export function lastSubscriptionChange({ plan, startedAt, validUntil }: SubjectDefinition, now: number): number {
  if (plan === undefined) return -Infinity;
  if (validUntil !== undefined && now >= validUntil) return validUntil;
  return startedAt !== undefined && now >= startedAt ? startedAt : -Infinity;
}

export interface ActiveTerms {
  readonly terms: EntitlementTerms;
  /** When they end or change, epoch milliseconds. */
  readonly validUntil: number | undefined;
}

/** What a subject is entitled to at `now`: its overrides, and of its plan what they leave. */
export function* activeTerms(definition: SubjectDefinition, now: number): Iterable<ActiveTerms> {
  const { overrides, plan, validUntil } = definition;
  for (const override of overrides.values()) {
    if (override.terms !== undefined && isInForce(override.validUntil, now))
      yield { terms: override.terms, validUntil: override.validUntil };
  }
  if (plan === undefined || !isSubscribed(definition, now)) return;
  for (const [featureId, terms] of plan.entitlements) {
    const override = overrides.get(featureId);
    if (override === undefined || !isInForce(override.validUntil, now)) yield { terms, validUntil };
  }
}

/** What a subject is entitled to of one feature at `now`. */
export function activeTermsOf(
  definition: SubjectDefinition,
  featureId: string,
  now: number,
): EntitlementTerms | undefined {
  const override = definition.overrides.get(featureId);
  if (override !== undefined && isInForce(override.validUntil, now)) return override.terms;
  return isSubscribed(definition, now) ? definition.plan?.entitlements.get(featureId) : undefined;
}

function isInForce(validUntil: number | undefined, now: number): boolean {
  return validUntil === undefined || now < validUntil;
}

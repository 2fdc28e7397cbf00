import { type ResetPeriod, type UsagePeriod, usagePeriodAt } from "../../../domain/usage/usage-period.js";
import type { ResetAnchor } from "../file/catalog-input.js";
import type { CustomerDefinition, EntitlementTerms, SubjectDefinition } from "./catalog-model.js";

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

interface Resetting {
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

interface ActiveTerms {
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

/**
 * The currencies whose wallets are a subject's own. A customer's are all that it fills or spends. A resource
 * owns only those that it fills, and pays what it spends beyond them from its customer's.
 */
export function ownCurrencies(definition: SubjectDefinition, isResource: boolean): ReadonlySet<string> {
  const currencies = new Set<string>(definition.plan?.includedCredits.keys());
  for (const currencyId of definition.grants.keys()) currencies.add(currencyId);
  if (!isResource) for (const currencyId of spentCurrencies(definition)) currencies.add(currencyId);
  return currencies;
}

/**
 * The currencies of all wallets that a subject sees: its own, what it spends, and its customer's. They are the
 * same at all times: a wallet whose credits have expired, or whose subscription is over, is an empty one.
 */
export function visibleCurrencies(definition: SubjectDefinition, customer: CustomerDefinition): ReadonlySet<string> {
  const currencies = new Set(ownCurrencies(customer, false));
  if (definition !== customer) for (const currencyId of ownCurrencies(definition, false)) currencies.add(currencyId);
  return currencies;
}

/** Whose wallet a subject pays from. */
export function walletOwner(
  definition: SubjectDefinition,
  customer: CustomerDefinition,
  currencyId: string,
): SubjectDefinition {
  if (definition === customer) return customer;
  const fillsOwn = definition.grants.has(currencyId) || definition.plan?.includedCredits.has(currencyId) === true;
  return fillsOwn ? definition : customer;
}

/** A feature that costs credits brings a wallet, so that it is never free for want of one. */
function* spentCurrencies({ plan, overrides }: SubjectDefinition): Iterable<string> {
  for (const { creditRate } of plan?.entitlements.values() ?? [])
    if (creditRate !== undefined) yield creditRate.currencyId;
  for (const { terms } of overrides.values()) if (terms?.creditRate !== undefined) yield terms.creditRate.currencyId;
}

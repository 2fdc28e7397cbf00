import { CodedError } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import {
  addDecimals,
  compareDecimals,
  type Decimal,
  MAX_AMOUNT,
  multiplyDecimals,
  subtractDecimals,
  toNumber,
} from "../../../domain/usage/decimal.js";
import type { UsagePeriod } from "../../../domain/usage/usage-period.js";
import type { UsageUpdateBehavior } from "../../../domain/usage/usage-report.js";
import { unknownName } from "../file/catalog-fault.js";
import { withAmount } from "../ledger/ledger-entry.js";
import type { LedgerDraft } from "../ledger/usage-ledger.js";
import type {
  CatalogModel,
  CustomerDefinition,
  EntitlementTerms,
  FeatureDefinition,
  SubjectDefinition,
} from "../model/catalog-model.js";
import { activeTermsOf, periodOf, walletOwner } from "../model/subscription.js";
import { drawCredits, overdraftAt, walletGrants } from "./draw-credits.js";
import { amountIn } from "./read-usage.js";

interface KnownSubject {
  readonly customer: CustomerDefinition;
  readonly definition: SubjectDefinition;
}

/**
 * The definition of a subject whose usage is reported.
 *
 * @throws CodedError `not-found` for what the catalog does not have, `failed-precondition` for an archived customer
 */
export function subjectToCount(model: CatalogModel, { customerId, resourceId }: Subject): KnownSubject {
  const customer = model.customers.get(customerId);
  if (customer === undefined) {
    throw new CodedError(
      "not-found",
      `there is no customer ${JSON.stringify(customerId)} in the catalog; add it, or report for one that is there`,
    );
  }
  if (customer.isArchived) {
    throw new CodedError(
      "failed-precondition",
      `customer ${JSON.stringify(customerId)} is archived; its usage is not counted until the catalog no longer says archived: true`,
    );
  }
  const definition = resourceId === undefined ? customer : customer.resources.get(resourceId);
  if (definition === undefined) {
    throw new CodedError(
      "not-found",
      `customer ${JSON.stringify(customerId)} has no resource ${JSON.stringify(resourceId)} in the catalog; add it, or report for one that is there`,
    );
  }
  return { customer, definition };
}

/** @throws CodedError `not-found` for a feature that the catalog does not have */
function featureToCount(model: CatalogModel, featureId: string): FeatureDefinition {
  const feature = model.features.get(featureId);
  if (feature === undefined)
    throw new CodedError("not-found", unknownName("feature", featureId, model.features.keys()));
  return feature;
}

/**
 * Usage is counted of metered features, and of switches that cost credits.
 *
 * @throws CodedError `invalid-argument`
 */
function mustBeCountable({ feature, kind }: FeatureDefinition, terms: EntitlementTerms | undefined): void {
  if (kind === "metered" || (kind === "boolean" && terms?.creditRate !== undefined)) return;
  const name = `${kind} feature ${JSON.stringify(feature.id)}`;
  throw new CodedError(
    "invalid-argument",
    `usage of ${name} cannot be counted; report usage of a metered feature, or make it kind: metered in the catalog`,
  );
}

export interface CountedUsage {
  readonly subject: Subject;
  readonly featureId: string;
  readonly value: number;
  readonly updateBehavior: UsageUpdateBehavior;
  /** When it was used, epoch milliseconds; undefined, and what lies ahead: now. */
  readonly timestamp: number | undefined;
}

/** What usage is counted against. */
export interface CountContext {
  readonly model: CatalogModel;
  readonly draft: LedgerDraft;
  /** Since when the catalog is as it is, epoch milliseconds. */
  readonly catalogSince: number;
  readonly now: number;
}

/**
 * Counts usage in the period that it belongs to, and draws what it costs. Usage never goes below 0: giving
 * back more than was used leaves none, and gives back only the credits of what was used.
 *
 * Usage of a period that is over costs its credits, and counts in that period alone; setting the usage of a period
 * that is over changes nothing, since what it was then may no longer be known.
 *
 * @throws CodedError as subjectToCount, featureToCount and mustBeCountable do, `invalid-argument` for a value
 *   that is no amount, or makes a total that cannot be kept exactly
 */
export function countUsage(counted: CountedUsage, context: CountContext): void {
  const { model, now } = context;
  const { featureId } = counted;
  const { customer, definition } = subjectToCount(model, counted.subject);
  const feature = featureToCount(model, featureId);
  const terms = activeTermsOf(definition, featureId, now);
  mustBeCountable(feature, terms);
  mustBeAmount(counted);
  const period = terms === undefined ? undefined : periodOf(definition, terms, now);
  const isOver =
    terms !== undefined && period !== undefined && counted.timestamp !== undefined && counted.timestamp < period.start;
  const difference = isOver
    ? addToPast(counted, periodOf(definition, terms, counted.timestamp), period, context)
    : setUsage(counted, period, period, context);
  if (terms?.creditRate === undefined || difference === 0) return;
  const { amount, currencyId } = terms.creditRate;
  drawFrom(walletOwner(definition, customer, currencyId), currencyId, multiplyDecimals(difference, amount), context);
}

/** Draws credits from a subject's own wallet. */
export function drawFrom(
  owner: SubjectDefinition,
  currencyId: string,
  cost: Decimal,
  { draft, catalogSince, now }: CountContext,
): void {
  const drawn = draft.wallet(owner.subject, currencyId);
  const entry = drawn === undefined ? undefined : { ...drawn, overdraft: overdraftAt(drawn, owner, currencyId, now) };
  const grants = walletGrants(owner, currencyId, now);
  const known = Math.max(catalogSince, entry?.updatedAt ?? 0, grants.lastChange);
  const after = drawCredits(entry, grants.active, cost);
  mustBeExact(after.overdraft, `credits ${JSON.stringify(currencyId)}`);
  draft.setWallet(owner.subject, currencyId, {
    ...after,
    initial: entry?.initial,
    updatedAt: Math.max(now, known + 1),
  });
}

/**
 * @param period that the usage belongs to
 * @param present that contains `now`
 * @returns by how much the usage changed
 */
function setUsage(
  { subject, featureId, value, updateBehavior }: CountedUsage,
  period: UsagePeriod | undefined,
  present: UsagePeriod | undefined,
  { draft, catalogSince, now }: CountContext,
): Decimal {
  const entry = draft.usage(subject, featureId);
  const before = amountIn(period, entry);
  const sum = updateBehavior === "SET" ? value : addDecimals(before, value);
  const amount = compareDecimals(sum, 0) < 0 ? 0 : sum;
  mustBeExact(amount, `usage of ${JSON.stringify(featureId)}`);
  draft.setUsage(subject, featureId, {
    amounts: withAmount(entry?.amounts ?? [], { periodStart: period?.start, amount }, present?.start, now),
    initial: entry?.initial,
    updatedAt: Math.max(now, Math.max(catalogSince, entry?.updatedAt ?? 0) + 1),
  });
  return subtractDecimals(amount, before);
}

/**
 * Where a clock was ahead and is set right, a period that was over then is the present one again.
 *
 * @returns by how much usage changed; of a period that is too long ago to be kept, by how much it was said to
 */
function addToPast(
  counted: CountedUsage,
  period: UsagePeriod | undefined,
  present: UsagePeriod,
  context: CountContext,
): Decimal {
  if (counted.updateBehavior === "SET") return 0;
  const difference = setUsage(counted, period, present, context);
  const entry = context.draft.usage(counted.subject, counted.featureId);
  const isKept = entry?.amounts.some(({ periodStart }) => periodStart === period?.start) === true;
  return isKept ? difference : counted.value;
}

/** Beyond it the doubles of answers and states skip integers, and a limit could no longer be judged by. */
function mustBeExact(total: Decimal, what: string): void {
  if (compareDecimals(total, MAX_AMOUNT) <= 0) return;
  throw new CodedError(
    "invalid-argument",
    `${what} would be ${toNumber(total)}, and totals beyond ${MAX_AMOUNT} cannot be kept exactly; it is not counted: report in a larger unit`,
  );
}

function mustBeAmount({ featureId, value, updateBehavior, timestamp }: CountedUsage): void {
  const of = `of ${JSON.stringify(featureId)}`;
  if (Math.abs(value) > MAX_AMOUNT && Number.isFinite(value)) {
    throw new CodedError(
      "invalid-argument",
      `the value ${of} is ${value}, and amounts beyond ${MAX_AMOUNT} cannot be kept exactly; report in a larger unit`,
    );
  }
  if (!Number.isFinite(value))
    throw new CodedError("invalid-argument", `the value ${of} has to be a finite number, not ${value}`);
  if (updateBehavior === "SET" && value < 0) {
    throw new CodedError(
      "invalid-argument",
      `usage ${of} cannot be set to ${value}; set it to 0 or more, or report a negative DELTA`,
    );
  }
  if (timestamp !== undefined && !Number.isFinite(timestamp)) {
    throw new CodedError("invalid-argument", `the time of usage ${of} is not a date; leave it out for now`);
  }
}

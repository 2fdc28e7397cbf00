import { CodedError } from "../../domain/errors.js";
import type { Subject } from "../../domain/subject.js";
import type { UsagePeriod } from "../../domain/usage-period.js";
import type { UsageUpdateBehavior } from "../../domain/usage-report.js";
import type { CatalogModel, SubjectDefinition } from "./catalog-model.js";
import { featureToCount, mustBeCountable, subjectToCount } from "./countable.js";
import { drawCredits } from "./draw-credits.js";
import type { LedgerDraft } from "./ledger-draft.js";
import { amountIn } from "./read-usage.js";
import { activeTermsOf, periodOf } from "./subscription.js";
import { tidy } from "./tidy-number.js";
import { walletGrants } from "./wallet-grants.js";
import { walletOwner } from "./wallet-owner.js";

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
 * Usage of a period that is over costs its credits, but no longer counts against a limit; setting the usage
 * of a period that is over changes nothing, since what it was then is no longer known.
 *
 * @throws CodedError as subjectToCount, featureToCount and mustBeCountable do, `invalid-argument` for a value
 *   that is no amount
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
  const isOver = period !== undefined && counted.timestamp !== undefined && counted.timestamp < period.start;
  const difference = isOver ? differenceInThePast(counted) : setUsage(counted, period, context);
  if (terms?.creditRate === undefined || difference === 0) return;
  const { amount, currencyId } = terms.creditRate;
  drawFrom(walletOwner(definition, customer, currencyId), currencyId, tidy(difference * amount), context);
}

/** Draws credits from a subject's own wallet. */
export function drawFrom(owner: SubjectDefinition, currencyId: string, cost: number, { draft, catalogSince, now }: CountContext): void {
  const entry = draft.wallet(owner.subject, currencyId);
  const grants = walletGrants(owner, currencyId, now);
  const told = Math.max(catalogSince, entry?.updatedAt ?? 0, grants.lastChange);
  draft.setWallet(owner.subject, currencyId, {
    ...drawCredits(entry, grants.active, cost, now),
    initial: entry?.initial,
    updatedAt: Math.max(now, told + 1),
  });
}

/** @returns by how much the usage changed */
function setUsage(
  { subject, featureId, value, updateBehavior }: CountedUsage,
  period: UsagePeriod | undefined,
  { draft, catalogSince, now }: CountContext,
): number {
  const entry = draft.usage(subject, featureId);
  const before = amountIn(period, entry);
  const amount = tidy(updateBehavior === "SET" ? value : Math.max(0, before + value));
  if (!Number.isFinite(amount)) throw new CodedError("invalid-argument", `usage of ${JSON.stringify(featureId)} would be more than a number can hold; report a smaller value`);
  draft.setUsage(subject, featureId, {
    amount,
    periodStart: period?.start,
    initial: entry?.initial,
    updatedAt: Math.max(now, Math.max(catalogSince, entry?.updatedAt ?? 0) + 1),
  });
  return tidy(amount - before);
}

function differenceInThePast({ value, updateBehavior }: CountedUsage): number {
  return updateBehavior === "DELTA" ? value : 0;
}

function mustBeAmount({ featureId, value, updateBehavior, timestamp }: CountedUsage): void {
  const of = `of ${JSON.stringify(featureId)}`;
  if (!Number.isFinite(value)) throw new CodedError("invalid-argument", `the value ${of} has to be a finite number, not ${value}`);
  if (updateBehavior === "SET" && value < 0) {
    throw new CodedError("invalid-argument", `usage ${of} cannot be set to ${value}; set it to 0 or more, or report a negative DELTA`);
  }
  if (timestamp !== undefined && !Number.isFinite(timestamp)) {
    throw new CodedError("invalid-argument", `the time of usage ${of} is not a moment; leave it out for now`);
  }
}

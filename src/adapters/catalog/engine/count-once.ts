import { CodedError } from "../../../domain/errors.js";
import type { UsageEvent, UsageReport } from "../../../domain/usage/usage-report.js";
import type { RememberedAnswer } from "../ledger/ledger-entry.js";
import { eventContent, eventDigest, reportContent } from "../ledger/report-digest.js";
import type { CatalogModel, MeterDefinition } from "../model/catalog-model.js";
import { type CountContext, type CountedUsage, countUsage } from "./count-usage.js";
import { subjectToCount } from "./countable.js";

/**
 * Counts a report unless one of the same key was counted before. A key that was made up for it never comes again, and
 * is not remembered.
 *
 * @returns what was answered before; undefined where it is counted now, or the answer is not known
 * @throws CodedError as countUsage does, and `failed-precondition` where the key was that of a report that says
 *   something else
 */
export function countReportOnce(
  report: UsageReport,
  digest: string,
  context: CountContext,
): RememberedAnswer | undefined {
  if (report.keyOrigin !== "generated") {
    const content = reportContent(report);
    const known = context.draft.remembered(digest);
    if (known !== undefined) {
      mustBeTheSame(known.content, content, `usage of ${JSON.stringify(report.featureId)}`, report.idempotencyKey);
      return known.answer;
    }
    context.draft.remember(digest, { content, answer: undefined });
  }
  countUsage(report, context);
  return undefined;
}

/**
 * Counts what meters make of an event unless one of the same key was counted before.
 *
 * @throws CodedError as countReportOnce does
 */
export function countEventOnce(event: UsageEvent, context: CountContext): void {
  const { model, draft } = context;
  const digest = eventDigest(event);
  const content = eventContent(event);
  const known = draft.remembered(digest);
  if (known !== undefined) {
    mustBeTheSame(known.content, content, `event ${JSON.stringify(event.eventName)}`, event.idempotencyKey);
    return;
  }
  subjectToCount(model, event.subject);
  draft.remember(digest, { content, answer: undefined });
  if (!model.metersByEvent.has(event.eventName)) draft.addUnmatched(event.eventName);
  for (const counted of measureEvent(model, event)) countUsage(counted, context);
}

function mustBeTheSame(known: string, content: string, what: string, key: string): void {
  if (known === "" || known === content) return;
  throw new CodedError(
    "failed-precondition",
    `${what} was reported before under the idempotency key ${JSON.stringify(key)} and said something else; that one counts and this one does not: send it under a key of its own`,
  );
}

/**
 * The usage that the catalog's meters make of an event: none for an event that no meter names.
 *
 * @throws CodedError `invalid-argument` where a sum has no number to add: dropping the event would be
 *   usage that nobody misses
 */
function* measureEvent(model: CatalogModel, event: UsageEvent): Iterable<CountedUsage> {
  for (const meter of model.metersByEvent.get(event.eventName) ?? []) {
    if (!matches(meter, event)) continue;
    yield {
      subject: event.subject,
      featureId: meter.featureId,
      value: amountOf(meter, event),
      updateBehavior: "DELTA",
      timestamp: event.timestamp,
    };
  }
}

function matches({ where }: MeterDefinition, { dimensions }: UsageEvent): boolean {
  for (const [dimension, value] of where) if (dimensions.get(dimension) !== value) return false;
  return true;
}

function amountOf({ featureId, sumOver }: MeterDefinition, { eventName, dimensions }: UsageEvent): number {
  if (sumOver === undefined) return 1;
  const value = dimensions.get(sumOver);
  if (typeof value === "number" && Number.isFinite(value)) return value;
  const found = value === undefined ? "is missing" : `is ${JSON.stringify(value)}`;
  throw new CodedError(
    "invalid-argument",
    `feature ${JSON.stringify(featureId)} sums dimension ${JSON.stringify(sumOver)} of event ${JSON.stringify(eventName)}, which ${found}; send a number, or narrow the meter by "where"`,
  );
}

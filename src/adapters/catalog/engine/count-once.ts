import { CodedError } from "../../../domain/errors.js";
import type { UsageEvent, UsageReport } from "../../../domain/usage/usage-report.js";
import type { RememberedAnswer } from "../ledger/ledger-entry.js";
import { eventContent, eventDigest, reportContent } from "../ledger/report-digest.js";
import { type CountContext, countUsage } from "./count-usage.js";
import { subjectToCount } from "./countable.js";
import { measureEvent } from "./measure-event.js";

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

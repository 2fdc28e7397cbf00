import { hash } from "node:crypto";
import { CodedError } from "../../../domain/errors.js";
import type {
  CreditMeasurement,
  Dimensions,
  UsageEvent,
  UsageMeasurement,
  UsageReport,
} from "../../../domain/usage/usage-report.js";
import type { RememberedAnswer } from "../ledger/ledger-entry.js";
import type { CatalogModel, CustomerDefinition, MeterDefinition, SubjectDefinition } from "../model/catalog-model.js";
import type { ServedModel } from "../model/compare-catalogs.js";
import { activeTermsOf, walletOwner } from "../model/subscription.js";
import { type CountContext, type CountedUsage, countUsage, subjectToCount } from "./count-usage.js";
import { type CatalogReading, readFeatureUsage, readWallet } from "./read-usage.js";
import { beginWithStatedUsage } from "./stated-usage.js";

/**
 * Counts all of the reports and answers each with what is counted then, or counts none.
 *
 * @throws CodedError as countReportOnce does, naming which of several it is
 */
export function countReports(
  reports: readonly UsageReport[],
  context: CountContext,
  served: ServedModel,
): readonly UsageMeasurement[] {
  // A key that was made up for one report is never looked for.
  const digests = reports.map((report) => (report.keyOrigin === "generated" ? "" : reportDigest(report)));
  const before = reports.map((report, index) =>
    naming("report", index, reports.length, () => {
      beginWithStatedUsage(report.subject.customerId, served, context.draft);
      return countReportOnce(report, digests[index] ?? "", context);
    }),
  );
  const reading = { ...context, ledger: context.draft };
  return reports.map((report, index) => {
    const digest = digests[index] ?? "";
    const measurementId = measurementIdOf(report, digest);
    const { subject, featureId } = report;
    const answer = before[index];
    if (answer !== undefined) return { measurementId, subject, featureId, ...answer };
    const measurement = measurementOf(context.model, report, measurementId, reading);
    if (report.keyOrigin !== "generated")
      context.draft.remember(digest, { content: reportContent(report), answer: answerOf(measurement) });
    return measurement;
  });
}

/**
 * Counts what the catalog's meters make of all of the events, or of none.
 *
 * @throws CodedError as countReports does
 */
export function countEvents(events: readonly UsageEvent[], context: CountContext, served: ServedModel): void {
  events.forEach((event, index) => {
    naming("event", index, events.length, () => {
      beginWithStatedUsage(event.subject.customerId, served, context.draft);
      countEventOnce(event, context);
    });
  });
}

/** Which of many cannot be counted. */
function naming<T>(what: string, index: number, count: number, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (count === 1 || !(error instanceof CodedError)) throw error;
    throw new CodedError(error.code, `${what} ${index + 1} of ${count}, and so none was counted: ${error.message}`, {
      cause: error,
    });
  }
}

/**
 * Counts a report unless one of the same key was counted before. A key that was made up for it never comes again, and
 * is not remembered.
 *
 * @returns what was answered before; undefined where it is counted now, or the answer is not known
 * @throws CodedError as countUsage does, and `failed-precondition` where the key was that of a report that says
 *   something else
 */
function countReportOnce(report: UsageReport, digest: string, context: CountContext): RememberedAnswer | undefined {
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
function countEventOnce(event: UsageEvent, context: CountContext): void {
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

/** What is counted now of the feature that a report names, and of the wallet that pays for it. */
function measurementOf(
  model: CatalogModel,
  report: UsageReport,
  measurementId: string,
  reading: CatalogReading,
): UsageMeasurement {
  const { subject, featureId } = report;
  const { customer, definition } = subjectToCount(model, subject);
  const terms = activeTermsOf(definition, featureId, reading.now);
  const { currentUsage, periodStart, periodEnd, updatedAt } = readFeatureUsage(definition, featureId, terms, reading);
  const currencyId = terms?.creditRate?.currencyId;
  const credit = currencyId === undefined ? undefined : creditMeasurement(definition, customer, currencyId, reading);
  return { measurementId, subject, featureId, currentUsage, periodStart, periodEnd, updatedAt, credit };
}

/** What is remembered of a measurement. */
function answerOf({ currentUsage, periodStart, periodEnd, updatedAt, credit }: UsageMeasurement): RememberedAnswer {
  return { currentUsage: currentUsage ?? 0, periodStart, periodEnd, updatedAt, credit };
}

function creditMeasurement(
  definition: SubjectDefinition,
  customer: CustomerDefinition,
  currencyId: string,
  reading: CatalogReading,
): CreditMeasurement {
  const { currentUsage, periodEnd, updatedAt } = readWallet(
    walletOwner(definition, customer, currencyId),
    currencyId,
    reading,
  ).usage;
  return { currencyId, currentUsage, periodEnd, updatedAt };
}

/**
 * What one idempotency key stands for: the same key of another subject, feature or event name is another one, as
 * upstream's rule for events has it.
 */
export function reportDigest({ subject, featureId, idempotencyKey }: UsageReport): string {
  return digest(["usage", subject.customerId, subject.resourceId ?? null, featureId, idempotencyKey]);
}

function eventDigest({ subject, eventName, idempotencyKey }: UsageEvent): string {
  return digest(["event", subject.customerId, subject.resourceId ?? null, eventName, idempotencyKey]);
}

/**
 * What else a report says. A report that is sent again says the same, apart from its timestamp: whoever leaves that out
 * is given another one each time.
 */
function reportContent({ value, updateBehavior, dimensions }: UsageReport): string {
  return digest([value, updateBehavior, ...partsOf(dimensions)]).slice(0, 11);
}

function eventContent({ dimensions }: UsageEvent): string {
  return dimensions.size === 0 ? NO_CONTENT : digest(partsOf(dimensions)).slice(0, 11);
}

/** An id in the form of a UUID. A report that is repeated gets the same one again; a generated key never comes again, and is one. */
export function measurementIdOf({ idempotencyKey, keyOrigin }: UsageReport, reportDigest: string): string {
  if (keyOrigin === "generated") return idempotencyKey;
  const hex = Buffer.from(reportDigest, "base64url").toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

function partsOf(dimensions: Dimensions): readonly (string | number | boolean)[] {
  return [...dimensions].sort(([a], [b]) => (a < b ? -1 : 1)).flat();
}

const SEXTETS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * The first 128 bits of a SHA-256, too many to collide, as base64url. A list as JSON is never the same as another list. Cut as text:
 * by way of bytes it takes several times as long.
 */
function digest(parts: readonly (string | number | boolean | null)[]): string {
  const text = hash("sha256", JSON.stringify(parts), "base64url");
  // 21 characters hold 126 bits, and two of the next one's six are the last.
  return text.slice(0, 21) + (SEXTETS[SEXTETS.indexOf(text[21] ?? "") & 0b110000] ?? "");
}

const NO_CONTENT = digest([]).slice(0, 11);

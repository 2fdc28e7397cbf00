import { type ErrorCode, errorCodeOf } from "../../domain/errors.js";
import { mayCountInPart } from "../../domain/outbox/report-failure.js";
import type { ReportKind, Telemetry } from "../../ports/telemetry.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";

/** Failures that say that upstream did not take the report; see UpstreamClient. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  "invalid-argument",
  "not-found",
  "failed-precondition",
  "unauthenticated",
  "permission-denied",
  "resource-exhausted",
]);

/** The same upstream, with what becomes of reports counted, each of a bulk by itself. */
export function countReports(upstream: UpstreamClient, { reports }: Pick<Telemetry, "reports">): UpstreamClient {
  async function counted<T>(kind: ReportKind, count: number, delivery: Promise<T>): Promise<T> {
    try {
      const answer = await delivery;
      reports[kind].delivered += count;
      return answer;
    } catch (error) {
      const isRefusal = REFUSALS.has(errorCodeOf(error)) && !mayCountInPart(error);
      reports[kind][isRefusal ? "refused" : "failed"] += count;
      throw error;
    }
  }
  return {
    fetchState: (subject, options) => upstream.fetchState(subject, options),
    reportUsage: (report, options) => counted("usage", 1, upstream.reportUsage(report, options)),
    reportUsageBulk: (bulk, options) => counted("usage", bulk.length, upstream.reportUsageBulk(bulk, options)),
    reportEvents: (events, options) => counted("event", events.length, upstream.reportEvents(events, options)),
  };
}

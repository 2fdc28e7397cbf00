import { errorCodeOf } from "../../domain/errors.js";
import { reportFailureOf } from "../../domain/outbox/report-failure.js";
import type { Logger } from "../../ports/logger.js";
import type { CallOrigin } from "../answer.js";

/** Says that reports failed, and whether they count. One line a minute for each kind, by the logger that folds repeats. */
export function logFailedReport(logger: Logger, error: unknown, origin: CallOrigin | undefined): void {
  const counts = reportFailureOf(error) === "unknown" ? "unknown" : "no";
  logger.warn("a report of usage failed", { ...origin, code: errorCodeOf(error), counts, error });
}

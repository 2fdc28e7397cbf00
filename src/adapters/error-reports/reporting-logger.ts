import type { LogFields, Logger } from "../../ports/logger.js";

/** Where errors are reported, beside the log. Neither call ever fails. */
export interface ErrorReports {
  report(message: string, fields?: LogFields): void;
  /** Resolves once what was reported is sent, or the time is over. */
  flush(timeoutMs: number): Promise<void>;
}

/** Logs as ever, and reports errors besides. */
export class ReportingLogger implements Logger {
  readonly #logger: Logger;
  readonly #reports: ErrorReports;

  constructor(logger: Logger, reports: ErrorReports) {
    this.#logger = logger;
    this.#reports = reports;
  }

  error(message: string, fields?: LogFields): void {
    this.#logger.error(message, fields);
    // What is logged as loud as its loss, and is none.
    if (fields?.["isRecovery"] !== true) this.#reports.report(message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#logger.warn(message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#logger.info(message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#logger.debug(message, fields);
  }
}

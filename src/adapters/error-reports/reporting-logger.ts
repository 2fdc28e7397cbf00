import type { LogFields, Logger } from "../../ports/logger.js";

/** Where errors are reported, beside the log. Neither call ever fails. */
export interface ErrorReports {
  report(message: string, fields?: LogFields): void;
  /** Resolves once what was reported is sent, or the time is over. */
  flush(timeoutMs: number): Promise<void>;
}

/** Reports to one place, and from some time on to another. */
export class ReplaceableReports implements ErrorReports {
  #current: ErrorReports;

  constructor(first: ErrorReports) {
    this.#current = first;
  }

  report(message: string, fields?: LogFields): void {
    this.#current.report(message, fields);
  }

  flush(timeoutMs: number): Promise<void> {
    return this.#current.flush(timeoutMs);
  }

  /** What was reported before still goes where it was to go. */
  use(next: ErrorReports, timeoutMs: number): void {
    const last = this.#current;
    this.#current = next;
    void last.flush(timeoutMs);
  }
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

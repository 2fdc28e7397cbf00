import type { DiagLogger } from "@opentelemetry/api";
import type { Logger } from "../../ports/logger.js";

const MAX_DETAIL = 500;

/** What the SDK says of itself, above all that nothing can be exported, as lines of the log: always a warning, since no check suffers. */
export class DiagnosticLines implements DiagLogger {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  error(message: string, ...more: unknown[]): void {
    this.#warn(message, more);
  }

  warn(message: string, ...more: unknown[]): void {
    this.#warn(message, more);
  }

  info(): void {
    // Of no use to who runs the service.
  }

  debug(): void {
    // The same.
  }

  verbose(): void {
    // The same.
  }

  #warn(message: string, more: readonly unknown[]): void {
    const detail = [messageOf(message), ...more.map((each) => (each instanceof Error ? each.message : String(each)))];
    this.#logger.warn("telemetry is not exported as it should be", { detail: detail.join(" ").slice(0, MAX_DETAIL) });
  }
}

/** Errors come as JSON with their stack. */
function messageOf(text: string): string {
  if (!text.startsWith("{")) return text;
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === "string" ? message : text;
  } catch {
    return text;
  }
}

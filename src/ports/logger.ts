import type { DependencyState } from "./telemetry.js";

/** Never called on the path of a cached check. Fields never hold a secret. */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

export interface LogFields {
  readonly [field: string]: unknown;
  /** A failure; written under the configured error key, with its stack where it was not foreseen. */
  readonly error?: unknown;
}

type OutageLevel = "error" | "warn" | "info";

const SEVERITIES: readonly OutageLevel[] = ["info", "warn", "error"];

/**
 * One thing that the service depends on: whether it works, as a figure, and one line for each change of that, however many
 * calls and attempts it takes to see it. Its recovery is logged at the level of its loss: whoever sees the one sees the other.
 */
export class OutageLog {
  readonly #logger: Logger;
  readonly #state: DependencyState | undefined;
  /** The kinds of failure that were logged since it last worked. */
  readonly #logged = new Set<string>();
  #last: string | undefined;
  #fault: string | undefined;
  #level: OutageLevel = "info";

  /** @param state where the change is to be seen as a figure too */
  constructor(logger: Logger, state?: DependencyState) {
    this.#logger = logger;
    this.#state = state;
  }

  get isLost(): boolean {
    return this.#last !== undefined;
  }

  /** Why it does not work, in one line; undefined where it does. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /**
   * It does not work.
   *
   * @param kind what tells this failure from others of it: one that goes on is logged once
   */
  lost(level: OutageLevel, message: string, fields?: LogFields, kind = message): void {
    this.#fault = describe(message, fields);
    this.#state?.set(false, this.#fault);
    if (this.#last === kind) return;
    this.#last = kind;
    if (SEVERITIES.indexOf(level) > SEVERITIES.indexOf(this.#level)) this.#level = level;
    this.#logged.add(kind);
    this.#logger[level](message, fields);
  }

  /** Whether a failure of this kind was logged since it last worked. */
  hasLogged(kind: string): boolean {
    return this.#logged.has(kind);
  }

  /** What was lost is of no interest any more. */
  forget(): void {
    this.#last = undefined;
    this.#fault = undefined;
    this.#logged.clear();
    this.#level = "info";
  }

  /** It works: logged where its loss was. Cheap where nothing was lost. */
  works(message: string, fields?: LogFields): void {
    if (this.#last === undefined) this.#state?.set(true);
    else this.recovered(message, fields);
  }

  /** It works, which is logged in any case: at the level of the loss, or for information where there was none. */
  recovered(message: string, fields?: LogFields): void {
    this.#state?.set(true);
    const level = this.#level;
    this.forget();
    this.#logger[level](message, level === "error" ? { ...fields, isRecovery: true } : fields);
  }
}

/** The message with the reason that is logged beside it. */
function describe(message: string, fields: LogFields | undefined): string {
  const reason = fields?.error instanceof Error ? fields.error.message : fields?.["reason"];
  return typeof reason === "string" ? `${message}: ${reason}` : message;
}

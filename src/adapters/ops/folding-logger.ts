import type { Clock } from "../../ports/clock.js";
import type { LogFields, Logger } from "../../ports/logger.js";
import type { LogLevel } from "./log-format.js";

/** How long repeats of a line are kept back, and then written as one with their count; milliseconds. */
const INTERVAL_MS = 60_000;
/** How many lines of one message, that differ in their fields, are written at once within an interval. */
const MAX_VARIANTS = 3;
/** Messages whose repeats are known: those that come on top of it are written as they are. */
const MAX_MESSAGES = 1_000;

/** What is known of one message at one level, since the interval began. */
interface Fold {
  readonly level: LogLevel;
  readonly message: string;
  readonly variants: Set<string>;
  repeats: number;
  /** Of the last one: what matters is how things are now. */
  lastFields: LogFields | undefined;
}

/**
 * Writes a message once, and what repeats it as one line a minute with a count: a line on the path of each request must not
 * fill the log of an outage. What is written at the end of an interval is in the order of the last occurrences, so that the
 * last word on what was lost and found again is the true one. Lines for debugging are written as they are.
 */
export class FoldingLogger implements Logger {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** In the order of the last occurrence. */
  readonly #folds = new Map<string, Fold>();
  #isWaiting = false;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#logger.debug(message, fields);
  }

  /** Writes what is kept back. To be called at the end of the process. */
  flush(): void {
    for (const [key, fold] of [...this.#folds]) {
      this.#folds.delete(key);
      if (fold.repeats === 0) continue;
      this.#logger[fold.level](fold.message, { ...fold.lastFields, repeats: fold.repeats });
      // It goes on: the next repeats wait for the next interval.
      this.#folds.set(key, { ...fold, variants: new Set(fold.variants), repeats: 0 });
    }
    if (this.#folds.size > 0) this.#wait();
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    const key = `${level} ${message}`;
    const fold = this.#folds.get(key) ?? {
      level,
      message,
      variants: new Set<string>(),
      repeats: 0,
      lastFields: undefined,
    };
    const variant = variantOf(fields);
    const isNew = !fold.variants.has(variant) && fold.variants.size < MAX_VARIANTS;
    if (isNew) {
      fold.variants.add(variant);
      this.#logger[level](message, fields);
    } else fold.repeats++;
    fold.lastFields = fields;
    this.#folds.delete(key);
    if (this.#folds.size < MAX_MESSAGES) this.#folds.set(key, fold);
    else if (!isNew) this.#logger[level](message, fields);
    this.#wait();
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#clock.after(INTERVAL_MS, () => {
      this.#isWaiting = false;
      this.flush();
    });
  }
}

/** An error by its stack or by what it was about, and whose call it was. */
const DIFFERS_IN_EVERY_LINE: ReadonlySet<string> = new Set(["error", "requestId", "traceId"]);

/** Characters of a field: what is remembered of a line must not be as long as others make it. */
const MAX_COMPARED = 200;

/** What tells lines of one message apart. */
function variantOf(fields: LogFields | undefined): string {
  if (fields === undefined) return "";
  return Object.entries(fields)
    .filter(
      ([name, value]) =>
        !DIFFERS_IN_EVERY_LINE.has(name) &&
        (typeof value === "string" || typeof value === "number" || typeof value === "boolean"),
    )
    .map(([name, value]) => `${name}=${String(value).slice(0, MAX_COMPARED)}`)
    .join(" ");
}

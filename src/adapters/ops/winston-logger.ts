import { Writable } from "node:stream";
import { createLogger, type Logger as Winston } from "winston";
import type { Clock } from "../../ports/clock.js";
import type { LogFields, Logger } from "../../ports/logger.js";
import { LOG_LEVELS, type LogLevel } from "./log-level.js";
import { type Loggable, toLoggable } from "./loggable.js";
import { hideSecrets, type Redact, SecretList } from "./secrets.js";

export interface LoggerOptions {
  /** The least severe level that is written. */
  readonly level: LogLevel;
  readonly messageKey: string;
  readonly errorKey: string;
  /** Values that never appear in a line, whatever they stand in. */
  readonly secrets: readonly string[] | SecretList;
  readonly output: NodeJS.WritableStream;
  readonly clock: Clock;
}

/** Keys that every line has, besides the configured two. */
export const RESERVED_LOG_KEYS: readonly string[] = ["timestamp", "level"];

/** Writes one line of JSON for each message. */
export class WinstonLogger implements Logger {
  readonly #winston: Winston;
  readonly #options: LoggerOptions;
  readonly #redact: Redact;

  constructor(options: LoggerOptions) {
    this.#options = options;
    this.#redact = options.secrets instanceof SecretList ? options.secrets.redact : hideSecrets(options.secrets);
    this.#winston = createLogger({
      level: options.level,
      levels: Object.fromEntries(LOG_LEVELS.map((level, severity) => [level, severity])),
    });
    this.#winston.pipe(linesTo(options.output));
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
    this.#write("debug", message, fields);
  }

  /** Lines below this level are not written from now on. */
  setLevel(level: LogLevel): void {
    this.#winston.level = level;
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (this.#winston.isLevelEnabled(level))
      this.#winston.log({ level, message, line: this.line(level, message, fields) });
  }

  /** The line that a message makes, whether or not its level is written. */
  line(level: LogLevel, message: string, fields?: LogFields): string {
    const { messageKey, errorKey, clock } = this.#options;
    const line: Record<string, Loggable> = Object.create(null) as Record<string, Loggable>;
    line["timestamp"] = new Date(clock.now()).toISOString();
    line["level"] = level;
    line[messageKey] = this.#redact(message);
    for (const [field, value] of Object.entries(fields ?? {})) {
      if (value === undefined) continue;
      const key = field === "error" ? errorKey : this.#redact(field);
      line[key in line ? `${key}_` : key] = toLoggable(value, this.#redact);
    }
    return JSON.stringify(line);
  }
}

function linesTo(output: NodeJS.WritableStream): Writable {
  return new Writable({
    objectMode: true,
    write({ line }: { readonly line: string }, _encoding, done) {
      output.write(`${line}\n`);
      done();
    },
  });
}

import { Writable } from "node:stream";
import { createLogger, type Logger as Winston } from "winston";
import { CodedError } from "../../domain/errors.js";
import type { Clock } from "../../ports/clock.js";
import type { LogFields, Logger } from "../../ports/logger.js";
import { LOG_LEVELS, type LogLevel } from "./log-level.js";
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

type Loggable = null | boolean | number | string | Loggable[] | { [key: string]: Loggable };

/** What the language throws where a program is wrong. */
const FAULTS = [TypeError, RangeError, ReferenceError];

/** Deeper than anything that is logged on purpose; what lies below is cut off. */
const MAX_DEPTH = 8;

/**
 * Anything as JSON can say it, without secrets: failures with their code and cause, what refers to itself marked
 * as such. Never throws. A stack tells where a fault of this program is: failures that were foreseen have none, nor
 * has what caused them unless it is such a fault.
 */
function toLoggable(value: unknown, redact: Redact): Loggable {
  return convert(value, redact, []);
}

function convert(value: unknown, redact: Redact, above: readonly object[]): Loggable {
  switch (typeof value) {
    case "string":
      return redact(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
      return value;
    case "undefined":
      return null;
    case "bigint":
    case "symbol":
    case "function":
      return redact(String(value));
    case "object":
      return value === null ? null : convertObject(value, redact, above);
  }
}

function convertObject(value: object, redact: Redact, above: readonly object[]): Loggable {
  if (above.includes(value)) return "[circular]";
  if (above.length >= MAX_DEPTH) return "[too deep]";
  const path = [...above, value];
  try {
    if (value instanceof Error) return convertError(value, redact, path);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
    if (value instanceof URL) return redact(value.href);
    if (value instanceof Map)
      return convertEntries(
        [...value].map(([k, v]) => [String(k), v]),
        redact,
        path,
      );
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value) || value instanceof Set)
      return Array.from<unknown>(value).map((item) => convert(item, redact, path));
    return convertEntries(Object.entries(value), redact, path);
  } catch {
    return "[unreadable]";
  }
}

function convertError(error: Error, redact: Redact, path: readonly object[]): Loggable {
  const { name, message, stack, cause } = error;
  const parts: [string, unknown][] = [
    ["name", name],
    ["message", message],
  ];
  // Own properties hold what the message leaves out: a code, an address, the failures of an aggregate.
  for (const [key, part] of Object.entries(error)) if (key !== "name" && key !== "message") parts.push([key, part]);
  if (error instanceof AggregateError) parts.push(["errors", error.errors]);
  const isForeseen = isExpected(error) || (path.some(isExpected) && !FAULTS.some((fault) => error instanceof fault));
  if (stack !== undefined && !isForeseen) parts.push(["stack", stack]);
  if (cause !== undefined) parts.push(["cause", cause]);
  return convertEntries(parts, redact, path);
}

/** Also what the system says of a file, a socket or a name. */
function isExpected(thrown: object): boolean {
  return thrown instanceof CodedError || (thrown instanceof Error && "syscall" in thrown && "errno" in thrown);
}

function convertEntries(
  entries: readonly (readonly [string, unknown])[],
  redact: Redact,
  path: readonly object[],
): Loggable {
  const converted: Record<string, Loggable> = Object.create(null) as Record<string, Loggable>;
  for (const [key, part] of entries) if (part !== undefined) converted[redact(key)] = convert(part, redact, path);
  return converted;
}

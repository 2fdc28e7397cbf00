import { Writable } from "node:stream";
import { createLogger, type Logger as Winston } from "winston";
import { CodedError } from "../../domain/errors.js";
import type { Clock } from "../../ports/clock.js";
import type { LogFields, Logger } from "../../ports/logger.js";
import { LOG_LEVELS, type LogLevel } from "./log-format.js";
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
    const text = boundedText(this.#redact);
    line[messageKey] = text(message, MAX_LONG_TEXT);
    for (const [field, value] of Object.entries(fields ?? {})) {
      if (value === undefined) continue;
      const key = field === "error" ? errorKey : text(field);
      line[key in line ? `${key}_` : key] = toLoggable(value, text);
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

/** A text as it stands in a line. @param most characters that are written of it, besides what says how many it has */
type BoundedText = (text: string, most?: number) => string;

/** The texts of one line: without secrets, each cut where it is too long, and none once all are. */
function boundedText(redact: Redact): BoundedText {
  let left = MAX_LINE;
  return (text, most = MAX_TEXT) => {
    // Before the cut: a part of a secret would not be found any more.
    const shown = redact(text);
    const room = Math.min(most, left);
    left -= Math.min(shown.length, room);
    return shown.length <= room ? shown : `${shown.slice(0, room)}… [${shown.length} characters]`;
  };
}

type Loggable = null | boolean | number | string | Loggable[] | { [key: string]: Loggable };

/** What the language throws where a program is wrong. */
const FAULTS = [TypeError, RangeError, ReferenceError];

/** Deeper than anything that is logged on purpose; what lies below is cut off. */
const MAX_DEPTH = 8;
/** Longer than anything that is logged on purpose, characters; ids, payloads and errors of others may be of any length. */
const MAX_TEXT = 2_000;
/** Of a stack, which says where a fault is in its first lines, and of a message: it may list the faults of a file, and ends with what holds until then. */
const MAX_LONG_TEXT = 8_000;
/** Members of a list or an object that are written. */
const MAX_MEMBERS = 50;
/** Of all texts and keys of a line together; what comes after is cut off. */
const MAX_LINE = 32_000;

/**
 * Anything as JSON can say it, without secrets: failures with their code and cause, what refers to itself marked
 * as such. Never throws. A stack tells where a fault of this program is: failures that were foreseen have none, nor
 * has what caused them unless it is such a fault.
 */
function toLoggable(value: unknown, text: BoundedText): Loggable {
  return convert(value, text, []);
}

function convert(value: unknown, text: BoundedText, above: readonly object[]): Loggable {
  switch (typeof value) {
    case "string":
      return text(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
      return value;
    case "undefined":
      return null;
    case "bigint":
    case "symbol":
    case "function":
      return text(String(value));
    case "object":
      return value === null ? null : convertObject(value, text, above);
  }
}

function convertObject(value: object, text: BoundedText, above: readonly object[]): Loggable {
  if (above.includes(value)) return "[circular]";
  if (above.length >= MAX_DEPTH) return "[too deep]";
  const path = [...above, value];
  try {
    if (value instanceof Error) return convertError(value, text, path);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
    if (value instanceof URL) return text(value.href);
    if (value instanceof Map)
      return convertEntries(
        [...value].map(([k, v]) => [String(k), v]),
        text,
        path,
      );
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value) || value instanceof Set) {
      const items = Array.from<unknown>(value);
      const shown = items.slice(0, MAX_MEMBERS).map((item) => convert(item, text, path));
      return items.length <= MAX_MEMBERS ? shown : [...shown, `[${items.length} items]`];
    }
    return convertEntries(Object.entries(value), text, path);
  } catch {
    return "[unreadable]";
  }
}

function convertError(error: Error, text: BoundedText, path: readonly object[]): Loggable {
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
  return convertEntries(parts, text, path);
}

/** Also what the system says of a file, a socket or a name. */
function isExpected(thrown: object): boolean {
  return thrown instanceof CodedError || (thrown instanceof Error && "syscall" in thrown && "errno" in thrown);
}

function convertEntries(
  entries: readonly (readonly [string, unknown])[],
  text: BoundedText,
  path: readonly object[],
): Loggable {
  const converted: Record<string, Loggable> = Object.create(null) as Record<string, Loggable>;
  for (const [key, part] of entries.slice(0, MAX_MEMBERS)) {
    if (part === undefined) continue;
    converted[text(key)] =
      key === "stack" && typeof part === "string" ? text(part, MAX_LONG_TEXT) : convert(part, text, path);
  }
  if (entries.length > MAX_MEMBERS) converted["…"] = `[${entries.length} members]`;
  return converted;
}

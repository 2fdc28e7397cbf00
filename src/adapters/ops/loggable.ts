import { CodedError } from "../../domain/errors.js";
import type { Redact } from "./secrets.js";

export type Loggable = null | boolean | number | string | Loggable[] | { [key: string]: Loggable };

/** What the language throws where a program is wrong. */
const FAULTS = [TypeError, RangeError, ReferenceError];

/** Deeper than anything that is logged on purpose; what lies below is cut off. */
const MAX_DEPTH = 8;

/**
 * Anything as JSON can say it, without secrets: failures with their code and cause, what refers to itself marked
 * as such. Never throws. A stack tells where a fault of this program is: failures that were foreseen have none, nor
 * has what caused them unless it is such a fault.
 */
export function toLoggable(value: unknown, redact: Redact): Loggable {
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

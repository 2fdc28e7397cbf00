import { CodedError } from "../../domain/errors.js";

/** Longer than any id in use, and short enough for a header. */
const MAX_QUOTED = 80;

/** @param message names the field as the proto file spells it, the fault and the remedy */
export function invalidArgument(message: string): CodedError {
  return new CodedError("invalid-argument", message);
}

/** A caller's own string in a message: escaped and cut, since messages travel in headers. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}

import { CodedError } from "../../../domain/errors.js";
import { isIdTooLong, MAX_ID_BYTES } from "../../../domain/subject.js";

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

/** @throws CodedError `invalid-argument` naming the field */
export function requiredText(text: string, field: string): string {
  if (text === "") throw invalidArgument(`${field} is required and was empty: send a non-empty string`);
  return text;
}

/** @throws CodedError `invalid-argument` naming the field */
export function requiredId(id: string, field: string, maxBytes = MAX_ID_BYTES): string {
  if (isIdTooLong(id, maxBytes)) throw tooLong(field, maxBytes);
  return requiredText(id, field);
}

/**
 * Clients of some languages send "" for an id that they leave out, so it counts as left out.
 *
 * @throws CodedError `invalid-argument` naming the field
 */
export function optionalId(id: string | undefined, field: string, maxBytes = MAX_ID_BYTES): string | undefined {
  if (id === undefined || id === "") return undefined;
  if (isIdTooLong(id, maxBytes)) throw tooLong(field, maxBytes);
  return id;
}

function tooLong(field: string, maxBytes: number): CodedError {
  return invalidArgument(`${field} is longer than ${maxBytes} bytes (MAX_ID_BYTES): send a shorter id`);
}

/** @throws CodedError `invalid-argument` naming the field */
export function finite(value: number, field: string): number {
  if (!Number.isFinite(value)) throw invalidArgument(`${field} was ${value}: send a finite number`);
  return value;
}

/** @throws CodedError `invalid-argument` naming the field */
export function optionalFinite(value: number | undefined, field: string): number | undefined {
  return value === undefined ? undefined : finite(value, field);
}

/** @throws CodedError `invalid-argument` where a list is longer than one request may bring */
export function checkCount(count: number, most: number, field: string): void {
  if (count > most)
    throw invalidArgument(
      `${field} has ${count} items, more than ${most} (MAX_ITEMS_PER_REQUEST): send several requests`,
    );
}

/** @throws CodedError `invalid-argument` naming the field */
export function optionalRequestedUsage(value: number | undefined, field: string): number | undefined {
  const usage = optionalFinite(value, field);
  if (usage !== undefined && usage < 0)
    throw invalidArgument(`${field} was ${usage}: send 0 or more, how much the customer is about to use`);
  return usage;
}

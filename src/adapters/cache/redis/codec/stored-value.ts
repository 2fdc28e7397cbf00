import { FieldFault } from "../../../../wire/field-fault.js";
import { Fields } from "../../../../wire/fields.js";

/**
 * @param what how faults name the value
 * @throws FieldFault where the text is no JSON object
 */
export function readJsonObject(text: string, what: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FieldFault(what, "JSON", text);
  }
  return Fields.of(value, what);
}

/**
 * The time that a #timestamp key holds, epoch milliseconds.
 *
 * @returns undefined where there is none, also where a client wrote one that is no number
 */
export function readTimestamp(text: string | null | undefined): number | undefined {
  return text !== null && text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

/** What a timestamp says of the data: 0 stands for "has no timestamp of its own". */
export function timestampOf(timestamp: number): number | undefined {
  return timestamp === 0 ? undefined : timestamp;
}

/** Whether a caller can send a key again, or it was made up for one call. */
export type KeyOrigin = "caller" | "generated";

/** Under which a report counts once. */
export interface ReportKey {
  /** The same for every try of one report. */
  readonly idempotencyKey: string;
  readonly keyOrigin: KeyOrigin;
}

/** The longest key that a caller may choose, characters. */
export const MAX_KEY_LENGTH = 255;

const PRINTABLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * What is wrong with a caller's key and what to do about it; undefined where it can be used: 1 to 255 printable
 * ASCII characters, the first and last no blank.
 */
export function faultOfKey(key: string): string | undefined {
  if (key.length === 0) return "is empty; send 1 to 255 characters, or leave it out";
  if (key.length > MAX_KEY_LENGTH) return `has ${key.length} characters; send 1 to ${MAX_KEY_LENGTH}`;
  return PRINTABLE.test(key)
    ? undefined
    : "may have printable ASCII characters alone, and no blank at either end; send for example a UUID";
}

/**
 * The key of one report of a call. A bulk has one key of its caller's, and each of its items a key made from that and
 * the item's place, so that the same bulk sent again is the same reports. "·" is no ASCII character: no key that a
 * caller can choose is also that of an item.
 *
 * @param callerKey as `faultOfKey` allows it; undefined: the caller sent none
 * @param index the item's place in a bulk, from 0; undefined: the call is one report
 * @param random makes up a key that no other report has
 */
export function reportKeyOf(callerKey: string | undefined, index: number | undefined, random: () => string): ReportKey {
  if (callerKey === undefined) return { idempotencyKey: random(), keyOrigin: "generated" };
  return { idempotencyKey: index === undefined ? callerKey : `${callerKey}·${index}`, keyOrigin: "caller" };
}

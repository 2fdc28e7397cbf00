import type { Reply } from "./unary-call.js";

/** Metadata of an answer: where it came from. */
export const SOURCE_HEADER = "x-entitlement-source";

/** Metadata of an answer, for a request with DETAIL_HEADER "1": how old what it says may be, milliseconds. */
export const AGE_HEADER = "x-entitlement-age-ms";

/** Metadata of a request: "1" asks for AGE_HEADER. */
export const DETAIL_HEADER = "x-entitlement-detail";

/**
 * @param now epoch milliseconds
 * @returns milliseconds, never below 0 (clocks differ); undefined for a fallback, which has no age
 */
export function ageMs({ verifiedAt }: Reply<unknown>, now: number): number | undefined {
  return verifiedAt === undefined ? undefined : Math.max(0, now - verifiedAt);
}

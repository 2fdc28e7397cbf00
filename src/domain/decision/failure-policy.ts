/**
 * What a check of a feature answers when nothing fresh can be had. What is known and says no stays no under every policy: they
 * speak only where nothing is known, or where what is known is older than they allow.
 */
export type FailurePolicy =
  /** Denied, also where a state is known that nothing vouches for. */
  | { readonly answer: "deny" }
  /** What is known, however old, and where nothing is: granted. */
  | { readonly answer: "allow" }
  /** What is known for as long as it is not older than this, milliseconds; after that, and where nothing is known: denied. */
  | { readonly answer: "last-known"; readonly maxAgeMs: number }
  /** What is known, however old, and where nothing is: granted for so much in a time (milliseconds), counted by this process. */
  | { readonly answer: "allow-up-to"; readonly amount: number; readonly perMs: number }
  /** Granted for so long after the last fresh answer, milliseconds; after that: denied. */
  | { readonly answer: "grace"; readonly forMs: number };

export const POLICY_ANSWERS = [
  "deny",
  "allow",
  "last-known",
  "allow-up-to",
  "grace",
] as const satisfies readonly FailurePolicy["answer"][];

/** What is known of a subject where nothing fresh can be had. */
export interface LastKnown {
  /** Whether a known state grants; undefined: nothing is known. */
  readonly isGranted: boolean | undefined;
  /** Up to when that state is known to have been true, epoch milliseconds. */
  readonly verifiedAt: number | undefined;
  /** When anything fresh was last had, of whomever, epoch milliseconds; -Infinity: never. */
  readonly lastFreshAt: number;
}

/** What a policy makes of what is known: that it answers, or that an answer is assumed in its place. */
export type PolicyVerdict = "known" | "granted" | "denied" | "counted";

/** @param now epoch milliseconds */
export function verdictOf(
  policy: FailurePolicy,
  { isGranted, verifiedAt = -Infinity, lastFreshAt }: LastKnown,
  now: number,
): PolicyVerdict {
  if (isGranted === false) return "known";
  switch (policy.answer) {
    case "deny":
      return "denied";
    case "allow":
      return isGranted === undefined ? "granted" : "known";
    case "last-known":
      return isGranted === true && now - verifiedAt <= policy.maxAgeMs ? "known" : "denied";
    case "allow-up-to":
      return isGranted === undefined ? "counted" : "known";
    case "grace":
      if (now - Math.max(verifiedAt, lastFreshAt) > policy.forMs) return "denied";
      return isGranted === undefined ? "granted" : "known";
  }
}

/** How old a cached state may be before it is asked for again while a check waits, since this policy would not let it serve; milliseconds. */
export function longestTrustMs(policy: FailurePolicy): number {
  if (policy.answer === "last-known") return policy.maxAgeMs;
  return policy.answer === "grace" ? policy.forMs : Infinity;
}

import type { FailurePolicy } from "../domain/decision/failure-policy.js";
import type { ConfiguredFallbacks, FallbackValues } from "../domain/decision/fallback.js";

/** The fallbacks that the operator configured. Fixed for the life of the process; synchronous, never fails. */
export interface FallbackProvider extends ConfiguredFallbacks {
  all(): ReadonlyMap<string, FallbackValues>;
}

/** What the operator wants where nothing fresh can be had, by feature. May change at any time; synchronous, never fails. */
export interface FailurePolicies {
  /** @param id of a feature, or of a wallet's currency; undefined: as without policies */
  policyOf(id: string): FailurePolicy | undefined;
}

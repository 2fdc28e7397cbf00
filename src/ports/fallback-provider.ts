import type { ConfiguredFallbacks, FallbackValues } from "../domain/decision/fallback.js";

/** The fallbacks that the operator configured. Fixed for the life of the process; synchronous, never fails. */
export interface FallbackProvider extends ConfiguredFallbacks {
  all(): ReadonlyMap<string, FallbackValues>;
}

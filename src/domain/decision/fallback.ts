import type { FeatureKind } from "../feature.js";

/** What is answered in place of an entitlement that cannot be known. What is left out has a default by kind. */
export interface FallbackValues {
  readonly hasAccess: boolean;
  readonly usageLimit?: number | undefined;
  readonly isUnlimited?: boolean | undefined;
  readonly value?: number | undefined;
  readonly enumValues?: readonly string[] | undefined;
}

/** Where neither the request nor the configuration says anything: denied. */
export const DENY_FALLBACK: FallbackValues = Object.freeze({ hasAccess: false });

/** What the operator configured, by feature. */
export interface ConfiguredFallbacks {
  fallbackOf(featureId: string): FallbackValues | undefined;
}

export const NO_CONFIGURED_FALLBACKS: ConfiguredFallbacks = Object.freeze({ fallbackOf: () => undefined });

/** The request's own fallback wins over the configured one; without either, access is denied. */
export function resolveFallback(
  requested: FallbackValues | undefined,
  configured: FallbackValues | undefined,
): FallbackValues {
  return requested ?? configured ?? DENY_FALLBACK;
}

/** What of a request tells which kind of entitlement its caller expects. */
export interface FallbackHints {
  readonly requestedUsage?: number | undefined;
  readonly requestedValues?: readonly string[] | undefined;
}

/**
 * The kind in which a fallback is answered where the caller named none: metered when a usage is requested
 * or a limit given, enum when values are, numeric when a value is, else boolean.
 */
export function kindOfFallback(values: FallbackValues, hints: FallbackHints): FeatureKind {
  if (hints.requestedUsage !== undefined || values.usageLimit !== undefined) return "metered";
  if (isNonEmpty(hints.requestedValues) || isNonEmpty(values.enumValues)) return "enum";
  if (values.value !== undefined) return "numeric";
  return "boolean";
}

function isNonEmpty(values: readonly string[] | undefined): boolean {
  return values !== undefined && values.length > 0;
}

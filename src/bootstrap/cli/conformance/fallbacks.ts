/**
 * What an implementation has to be configured with (ENTITLEMENTS_FALLBACK) for the cases about that; nothing else of it is asked
 * of these features.
 */
export const FALLBACKS = {
  "conformance-fallback-boolean": { hasAccess: true },
  "conformance-fallback-numeric": { hasAccess: true, value: 30 },
  "conformance-fallback-metered": { hasAccess: true, usageLimit: 5 },
  "conformance-fallback-enum": { hasAccess: true, enumValues: ["eu"] },
} as const;

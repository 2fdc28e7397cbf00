import type { FallbackValues } from "../../../src/domain/decision/fallback.js";
import { CodedError } from "../../../src/domain/errors.js";
import { boolean, enumerated, metered, numeric, wallet } from "../../builders/states.js";
import type { InMemoryUpstream } from "../../fakes/in-memory-upstream.js";

/** Usage periods that contain every day on which these tests may run. */
export const PERIOD = {
  periodAnchor: Date.UTC(1000, 0, 1),
  periodStart: Date.UTC(2000, 0, 1),
  periodEnd: Date.UTC(9000, 0, 1),
};

/** Who the shared table of calls is about. */
export function populate(upstream: InMemoryUpstream): InMemoryUpstream {
  upstream.set(
    { customerId: "acme" },
    {
      features: [
        boolean({ id: "sso" }),
        boolean({ id: "beta", accessDeniedReason: "Revoked" }),
        numeric({ id: "retention-days", usageLimit: 30 }),
        numeric({ id: "huge", usageLimit: 3_000_000_000.9 }),
        numeric({ id: "half", usageLimit: 2.9 }),
        numeric({ id: "no-number", hasUnlimitedUsage: true }),
        {
          ...metered({ id: "seats" }),
          feature: {
            id: "seats",
            featureType: "NUMBER",
            meterType: "Fluctuating",
            units: "seat",
            unitsPlural: "seats",
          },
        },
        metered({
          id: "calls",
          meterType: "Incremental",
          usageLimit: 1000,
          resetPeriod: "MONTH",
          usage: { currentUsage: 250.5, ...PERIOD },
        }),
        metered({ id: "storage", usageLimit: null, hasUnlimitedUsage: true, used: 12 }),
        metered({ id: "emails", hasSoftLimit: true, used: 12 }),
        metered({ id: "images", usageLimit: 1000, used: 0, creditRate: { amount: 10, currencyId: "credits" } }),
        enumerated({ id: "regions" }),
      ],
      credits: [
        {
          ...wallet({ usageLimit: 100, usage: { currentUsage: 40, periodEnd: PERIOD.periodEnd } }),
          currency: {
            currencyId: "credits",
            displayName: "Credits",
            description: "pays for images",
            unitSingular: "credit",
            unitPlural: "credits",
            additionalMetaData: { color: "green", tiers: [1, 2, null], shown: true },
          },
        },
        wallet({ currencyId: "overdraft", usageLimit: 10, used: 15, hasSoftLimit: true }),
        wallet({ currencyId: "empty", usageLimit: 10, used: 15 }),
      ],
    },
  );
  upstream.set(
    { customerId: "acme", resourceId: "site-1" },
    { features: [metered({ id: "seats", usageLimit: 3, used: 3 })] },
  );
  upstream.set({ customerId: "archived" }, { accessDeniedReason: "CustomerIsArchived" });
  upstream.set(
    { customerId: "lapsed" },
    { accessDeniedReason: "NoActiveSubscription", credits: [wallet({ currencyId: "left-over", usageLimit: 5 })] },
  );
  upstream.set(
    { customerId: "counting" },
    {
      features: [
        boolean({ id: "sso" }),
        metered({ id: "seats", usageLimit: 10, used: 8 }),
        metered({
          id: "calls",
          meterType: "Incremental",
          usageLimit: 1000,
          resetPeriod: "MONTH",
          usage: { currentUsage: 0, ...PERIOD },
        }),
        metered({ id: "images", usageLimit: 1000, used: 0, creditRate: { amount: 10, currencyId: "credits" } }),
      ],
      credits: [wallet({ usageLimit: 100 })],
    },
  );
  upstream.fail({ customerId: "unreachable" }, new CodedError("unavailable", "upstream is down"));
  upstream.fail({ customerId: "locked-out" }, new CodedError("unauthenticated", "the API key is not valid"));
  upstream.fail({ customerId: "a bug" }, new TypeError("a secret of the inside"));
  return upstream;
}

/** What the operator configured, by feature. */
export const FALLBACKS: ReadonlyMap<string, FallbackValues> = new Map<string, FallbackValues>([
  ["configured", { hasAccess: true }],
  ["configured-seats", { hasAccess: true, usageLimit: 5 }],
  ["configured-off", { hasAccess: false, enumValues: ["a"] }],
]);

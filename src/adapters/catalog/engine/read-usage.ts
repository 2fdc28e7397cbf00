import { addDecimals, type Decimal, toNumber } from "../../../domain/usage/decimal.js";
import type { Usage } from "../../../domain/usage/usage.js";
import type { UsagePeriod } from "../../../domain/usage/usage-period.js";
import type { LedgerReader, UsageEntry } from "../ledger/ledger-entry.js";
import type { EntitlementTerms, SubjectDefinition } from "../model/catalog-model.js";
import { periodAnchor, periodOf } from "../model/subscription.js";
import { consumedCredits, overdraftAt, type WalletGrants, walletGrants } from "./draw-credits.js";

/** One point in time of a catalog and of what was counted. */
export interface CatalogReading {
  readonly ledger: LedgerReader;
  /** Since when the catalog is as it is, epoch milliseconds: changes of it are newer than usage from before. */
  readonly catalogSince: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** What was counted in a period; without periods, what was counted last. */
export function amountIn(period: UsagePeriod | undefined, entry: UsageEntry | undefined): Decimal {
  if (entry === undefined) return 0;
  const counted =
    period === undefined ? entry.amounts.at(-1) : entry.amounts.find(({ periodStart }) => periodStart === period.start);
  return counted?.amount ?? 0;
}

export function readFeatureUsage(
  definition: SubjectDefinition,
  featureId: string,
  terms: EntitlementTerms | undefined,
  reading: CatalogReading,
): Usage {
  const entry = reading.ledger.usage(definition.subject, featureId);
  const period = terms === undefined ? undefined : periodOf(definition, terms, reading.now);
  return {
    currentUsage: toNumber(amountIn(period, entry)),
    periodAnchor: period === undefined || terms === undefined ? undefined : periodAnchor(definition, terms.resetAnchor),
    periodStart: period?.start,
    periodEnd: period?.end,
    updatedAt: Math.max(reading.catalogSince, entry?.updatedAt ?? 0),
  };
}

interface WalletReading {
  readonly grants: WalletGrants;
  readonly usageLimit: number;
  readonly usage: Usage;
}

export function readWallet(owner: SubjectDefinition, currencyId: string, reading: CatalogReading): WalletReading {
  const grants = walletGrants(owner, currencyId, reading.now);
  const drawn = reading.ledger.wallet(owner.subject, currencyId);
  const entry =
    drawn === undefined ? undefined : { ...drawn, overdraft: overdraftAt(drawn, owner, currencyId, reading.now) };
  return {
    grants,
    usageLimit: toNumber(grants.active.reduce<Decimal>((sum, { amount }) => addDecimals(sum, amount), 0)),
    usage: {
      currentUsage: toNumber(consumedCredits(entry, grants.active)),
      periodEnd: grants.periodEnd,
      updatedAt: Math.max(reading.catalogSince, entry?.updatedAt ?? 0, grants.lastChange),
    },
  };
}

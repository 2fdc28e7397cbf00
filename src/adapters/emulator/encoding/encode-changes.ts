import type { PackagePublished, UsageUpdated } from "../../../domain/change.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import type { UsageMeasurement } from "../../../domain/usage/usage-report.js";
import { encodeOlderEntitlement, isoTimestamp } from "./encode-state.js";

/** Changes of a usage as the newer clients read it. */
export function encodeUsageV2({ entitlement, usage }: UsageUpdated) {
  return {
    entitlementReference: { id: entitlement.id, type: entitlement.type === "credit" ? "CREDIT" : "FEATURE" },
    usage: {
      currentUsage: usage.currentUsage,
      usageUpdatedAt: isoTimestamp(usage.updatedAt),
      usagePeriodStart: usage.periodStart ?? null,
      usagePeriodEnd: usage.periodEnd ?? null,
    },
  };
}

/**
 * Changes of a feature's usage as the older clients read it: with the whole entitlement as it is now.
 *
 * @returns undefined where the subject has the feature no more
 */
export function encodeOlderUsage(
  { subject, entitlement: { id }, usage }: UsageUpdated,
  present: CustomerState,
  now: number,
) {
  const entitlement = present.feature(id);
  if (entitlement === undefined) return undefined;
  return {
    usage: {
      customerId: subject.customerId,
      resourceId: subject.resourceId ?? null,
      featureId: id,
      currentUsage: usage.currentUsage,
      usagePeriodStart: usage.periodStart ?? null,
      usagePeriodEnd: usage.periodEnd ?? null,
      nextResetDate: usage.periodEnd ?? null,
    },
    entitlement: encodeOlderEntitlement(subject, present, entitlement, now),
  };
}

/**
 * Changes of a wallet as the older clients read it: its balance.
 *
 * @returns undefined where the subject has the wallet no more
 */
export function encodeBalance({ entitlement: { id: currencyId }, usage }: UsageUpdated, present: CustomerState) {
  const wallet = present.credit(currencyId);
  if (wallet === undefined) return undefined;
  const totalGranted = wallet.usageLimit;
  const totalConsumed = usage.currentUsage;
  const { displayName, unitSingular, unitPlural } = wallet.currency;
  const units =
    unitSingular === undefined || unitPlural === undefined ? null : { singular: unitSingular, plural: unitPlural };
  return {
    currencyId,
    currency: { currencyId, displayName, symbol: null, units },
    currentBalance: totalGranted - totalConsumed,
    totalConsumed,
    totalGranted,
    validUntil: wallet.validUntil ?? null,
  };
}

/** Which package it was is not known to whoever reads a catalog; clients only use the kind of migration. */
export function encodePackagePublished({ migration }: PackagePublished) {
  return {
    accountId: "emulator",
    environmentId: "emulator",
    packageType: "Plan",
    packageRefId: "catalog",
    packageVersion: 1,
    migrationType: migration,
  };
}

/** What was counted, as reportUsage answers it. @param now epoch milliseconds */
export function encodeMeasurement(measurement: UsageMeasurement, now: number) {
  const { subject, credit } = measurement;
  const usagePeriodEnd = isoTimestamp(measurement.periodEnd);
  return {
    id: measurement.measurementId,
    featureId: measurement.featureId,
    customerId: subject.customerId,
    resourceId: subject.resourceId ?? null,
    currentUsage: measurement.currentUsage ?? null,
    usagePeriodStart: isoTimestamp(measurement.periodStart),
    usagePeriodEnd,
    nextResetDate: usagePeriodEnd,
    timestamp: isoTimestamp(measurement.updatedAt ?? now),
    credit:
      credit === undefined
        ? null
        : {
            currencyId: credit.currencyId,
            currentUsage: credit.currentUsage,
            usagePeriodEnd: isoTimestamp(credit.periodEnd),
            timestamp: isoTimestamp(credit.updatedAt),
            consumed: null,
          },
  };
}

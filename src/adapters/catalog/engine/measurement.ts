import type { CreditMeasurement, UsageMeasurement, UsageReport } from "../../../domain/usage/usage-report.js";
import type { RememberedAnswer } from "../ledger/ledger-entry.js";
import type { CatalogModel, CustomerDefinition, SubjectDefinition } from "../model/catalog-model.js";
import { activeTermsOf } from "../model/subscription.js";
import { walletOwner } from "../model/wallet-owner.js";
import { subjectToCount } from "./countable.js";
import { type CatalogReading, readFeatureUsage, readWallet } from "./read-usage.js";

/** What is counted now of the feature that a report names, and of the wallet that pays for it. */
export function measurementOf(
  model: CatalogModel,
  report: UsageReport,
  measurementId: string,
  reading: CatalogReading,
): UsageMeasurement {
  const { subject, featureId } = report;
  const { customer, definition } = subjectToCount(model, subject);
  const terms = activeTermsOf(definition, featureId, reading.now);
  const { currentUsage, periodStart, periodEnd, updatedAt } = readFeatureUsage(definition, featureId, terms, reading);
  const currencyId = terms?.creditRate?.currencyId;
  const credit = currencyId === undefined ? undefined : creditMeasurement(definition, customer, currencyId, reading);
  return { measurementId, subject, featureId, currentUsage, periodStart, periodEnd, updatedAt, credit };
}

/** What is remembered of a measurement. */
export function answerOf({
  currentUsage,
  periodStart,
  periodEnd,
  updatedAt,
  credit,
}: UsageMeasurement): RememberedAnswer {
  return { currentUsage: currentUsage ?? 0, periodStart, periodEnd, updatedAt, credit };
}

/** The measurement of a report that was answered before. */
export function measurementAgain(
  { subject, featureId }: UsageReport,
  measurementId: string,
  answer: RememberedAnswer,
): UsageMeasurement {
  return { measurementId, subject, featureId, ...answer };
}

function creditMeasurement(
  definition: SubjectDefinition,
  customer: CustomerDefinition,
  currencyId: string,
  reading: CatalogReading,
): CreditMeasurement {
  const { currentUsage, periodEnd, updatedAt } = readWallet(
    walletOwner(definition, customer, currencyId),
    currencyId,
    reading,
  ).usage;
  return { currencyId, currentUsage, periodEnd, updatedAt };
}

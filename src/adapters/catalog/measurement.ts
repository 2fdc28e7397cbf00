import type { CreditMeasurement, UsageMeasurement, UsageReport } from "../../domain/usage-report.js";
import type { CatalogModel, CustomerDefinition, SubjectDefinition } from "./catalog-model.js";
import { subjectToCount } from "./countable.js";
import { readFeatureUsage, readWallet, type Reading } from "./read-usage.js";
import { activeTermsOf } from "./subscription.js";
import { walletOwner } from "./wallet-owner.js";

/** What is counted now of the feature that a report names, and of the wallet that pays for it. */
export function measurementOf(model: CatalogModel, report: UsageReport, measurementId: string, reading: Reading): UsageMeasurement {
  const { subject, featureId } = report;
  const { customer, definition } = subjectToCount(model, subject);
  const terms = activeTermsOf(definition, featureId, reading.now);
  const { currentUsage, periodStart, periodEnd, updatedAt } = readFeatureUsage(definition, featureId, terms, reading);
  const currencyId = terms?.creditRate?.currencyId;
  const credit = currencyId === undefined ? undefined : creditMeasurement(definition, customer, currencyId, reading);
  return { measurementId, subject, featureId, currentUsage, periodStart, periodEnd, updatedAt, credit };
}

function creditMeasurement(
  definition: SubjectDefinition,
  customer: CustomerDefinition,
  currencyId: string,
  reading: Reading,
): CreditMeasurement {
  const { currentUsage, periodEnd, updatedAt } = readWallet(walletOwner(definition, customer, currencyId), currencyId, reading).usage;
  return { currencyId, currentUsage, periodEnd, updatedAt };
}

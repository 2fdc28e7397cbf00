import type { UsageMeasurement } from "../../../domain/usage/usage-report.js";
import { isoTimestamp } from "./encode-timestamp.js";

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

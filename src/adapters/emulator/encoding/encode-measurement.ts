import type { UsageMeasurement } from "../../../domain/usage-report.js";
import { isoMoment } from "./encode-moment.js";

/** What was counted, as reportUsage answers it. @param now epoch milliseconds */
export function encodeMeasurement(measurement: UsageMeasurement, now: number) {
  const { subject, credit } = measurement;
  const usagePeriodEnd = isoMoment(measurement.periodEnd);
  return {
    id: measurement.measurementId,
    featureId: measurement.featureId,
    customerId: subject.customerId,
    resourceId: subject.resourceId ?? null,
    currentUsage: measurement.currentUsage ?? null,
    usagePeriodStart: isoMoment(measurement.periodStart),
    usagePeriodEnd,
    nextResetDate: usagePeriodEnd,
    timestamp: isoMoment(measurement.updatedAt ?? now),
    credit:
      credit === undefined
        ? null
        : {
            currencyId: credit.currencyId,
            currentUsage: credit.currentUsage,
            usagePeriodEnd: isoMoment(credit.periodEnd),
            timestamp: isoMoment(credit.updatedAt),
            consumed: null,
          },
  };
}

import type { UsageMeasurement, UsageReport } from "../../src/domain/usage/usage-report.js";

/** One unit of seats used by the customer c. */
export function usageReport(parts: Partial<UsageReport> = {}): UsageReport {
  return {
    subject: { customerId: "c" },
    featureId: "seats",
    value: 1,
    updateBehavior: "DELTA",
    dimensions: new Map(),
    timestamp: undefined,
    idempotencyKey: "key",
    ...parts,
  };
}

/** What upstream counts after it: 10 seats in all. */
export function usageMeasurement(parts: Partial<UsageMeasurement> = {}): UsageMeasurement {
  return {
    measurementId: "m",
    subject: { customerId: "c" },
    featureId: "seats",
    currentUsage: 10,
    periodStart: undefined,
    periodEnd: undefined,
    updatedAt: 200,
    credit: undefined,
    ...parts,
  };
}

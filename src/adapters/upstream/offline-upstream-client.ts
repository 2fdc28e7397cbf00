import { randomUUID } from "node:crypto";
import type { CustomerState } from "../../domain/customer-state.js";
import type { UsageMeasurement, UsageReport } from "../../domain/usage/usage-report.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";

/**
 * No upstream at all, by the operator's choice: no state is ever known, so the fallbacks answer, and
 * reports are accepted without being counted, so that an application runs unchanged.
 */
export class OfflineUpstreamClient implements UpstreamClient {
  fetchState(): Promise<CustomerState | undefined> {
    return Promise.resolve(undefined);
  }

  reportUsage(report: UsageReport): Promise<UsageMeasurement> {
    return Promise.resolve(acknowledge(report));
  }

  reportUsageBulk(reports: readonly UsageReport[]): Promise<readonly UsageMeasurement[]> {
    return Promise.resolve(reports.map(acknowledge));
  }

  reportEvents(): Promise<void> {
    return Promise.resolve();
  }
}

function acknowledge({ subject, featureId }: UsageReport): UsageMeasurement {
  return {
    measurementId: randomUUID(),
    subject,
    featureId,
    currentUsage: undefined,
    periodStart: undefined,
    periodEnd: undefined,
    updatedAt: undefined,
    credit: undefined,
  };
}

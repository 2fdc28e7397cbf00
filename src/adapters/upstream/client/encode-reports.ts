import type { Dimensions, UsageEvent, UsageReport } from "../../../domain/usage/usage-report.js";

/** A report as the API's ReportUsageInput. What is undefined is left out of the JSON. */
export function encodeUsageReport(report: UsageReport): object {
  return {
    customerId: report.subject.customerId,
    resourceId: report.subject.resourceId,
    featureId: report.featureId,
    value: report.value,
    updateBehavior: report.updateBehavior,
    createdAt: encodeTimestamp(report.timestamp),
    dimensions: encodeDimensions(report.dimensions),
    idempotencyKey: report.idempotencyKey,
  };
}

/** An event as the API's UsageEventReportInput. */
export function encodeUsageEvent(event: UsageEvent): object {
  return {
    customerId: event.subject.customerId,
    resourceId: event.subject.resourceId,
    eventName: event.eventName,
    idempotencyKey: event.idempotencyKey,
    dimensions: encodeDimensions(event.dimensions),
    timestamp: encodeTimestamp(event.timestamp),
  };
}

function encodeTimestamp(timestamp: number | undefined): string | undefined {
  return timestamp === undefined ? undefined : new Date(timestamp).toISOString();
}

function encodeDimensions(dimensions: Dimensions): object | undefined {
  return dimensions.size === 0 ? undefined : Object.fromEntries(dimensions);
}

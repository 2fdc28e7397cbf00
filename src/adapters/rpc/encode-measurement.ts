import { create } from "@bufbuild/protobuf";
import type { UsageMeasurement } from "../../domain/usage-report.js";
import { ReportUsageResponseSchema, type ReportUsageResponse } from "./gen/stigg/sidecar/v1/sidecar_pb.js";
import { encodeMoment } from "./moment.js";

export function encodeMeasurement(measurement: UsageMeasurement): ReportUsageResponse {
  const { subject, periodStart, periodEnd } = measurement;
  return create(ReportUsageResponseSchema, {
    measurementId: measurement.measurementId,
    customerId: subject.customerId,
    resourceId: subject.resourceId,
    featureId: measurement.featureId,
    currentUsage: measurement.currentUsage,
    usagePeriodStart: encodeMoment(periodStart),
    usagePeriodEnd: encodeMoment(periodEnd),
  });
}

import { randomUUID } from "node:crypto";
import type { UsageEvent, UsageReport, UsageUpdateBehavior } from "../../domain/usage-report.js";
import {
  UsageUpdateBehavior as WireUpdateBehavior,
  type Event,
  type ReportUsageRequest,
} from "./gen/stigg/sidecar/v1/sidecar_pb.js";
import { invalidArgument } from "./invalid-argument.js";
import { readDimensions } from "./read-dimensions.js";
import { finite, optionalId, requiredId } from "./read-fields.js";
import { readTimestamp } from "./timestamp.js";

/**
 * A report of usage, with the one key under which it is counted however often it is sent upstream.
 *
 * @param path where the report stands in the request, for example "usages[3]."
 * @throws CodedError `invalid-argument` naming the field
 */
export function readUsageReport(request: ReportUsageRequest, path = ""): UsageReport {
  return {
    subject: { customerId: requiredId(request.customerId, `${path}customer_id`), resourceId: optionalId(request.resourceId) },
    featureId: requiredId(request.featureId, `${path}feature_id`),
    value: finite(request.value, `${path}value`),
    updateBehavior: readUpdateBehavior(request.updateBehavior, `${path}update_behavior`),
    dimensions: readDimensions(request.dimensions, `${path}dimensions`),
    timestamp: readTimestamp(request.timestamp, `${path}timestamp`),
    idempotencyKey: randomUUID(),
  };
}

/**
 * @param path where the event stands in the request, for example "events[3]."
 * @throws CodedError `invalid-argument` naming the field
 */
export function readUsageEvent(event: Event, path: string): UsageEvent {
  return {
    eventName: requiredId(event.eventName, `${path}event_name`),
    subject: { customerId: requiredId(event.customerId, `${path}customer_id`), resourceId: optionalId(event.resourceId) },
    idempotencyKey: requiredId(event.idempotencyKey, `${path}idempotency_key`),
    dimensions: readDimensions(event.dimensions, `${path}dimensions`),
    timestamp: readTimestamp(event.timestamp, `${path}timestamp`),
  };
}

/** Enums are open on the wire: any number arrives, and guessing what an unknown one does to usage would miscount. */
function readUpdateBehavior(behavior: WireUpdateBehavior | undefined, field: string): UsageUpdateBehavior {
  switch (behavior) {
    case undefined:
    case WireUpdateBehavior.UNSPECIFIED:
    case WireUpdateBehavior.DELTA:
      return "DELTA";
    case WireUpdateBehavior.SET:
      return "SET";
    default:
      throw invalidArgument(`${field} was ${String(behavior)}: send DELTA (1), SET (2) or leave it out`);
  }
}

import { randomUUID } from "node:crypto";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { ReloadEntitlements } from "../../../application/refresh/follow-updates.js";
import type { EventReporting, UsageReporting } from "../../../application/report/report-usage.js";
import {
  type Dimensions,
  type DimensionValue,
  faultOfKey,
  type ReportKey,
  reportKeyOf,
  type UsageEvent,
  type UsageMeasurement,
  type UsageReport,
  type UsageState,
  type UsageUpdateBehavior,
} from "../../../domain/usage/usage-report.js";
import type { AnswerEncoders, Answers } from "../answers/answer-encoders.js";
import { FIRST_SECOND, LAST_SECOND, MAX_NANOS } from "../answers/frame-writer.js";
import type { Reply, ServiceCallContext } from "../call/served-method.js";
import {
  type Event,
  type EventDimensionValue,
  type ReloadEntitlementsRequest,
  type ReportEventsRequest,
  type ReportUsageBulkRequest,
  type ReportUsageRequest,
  UsageUpdateBehavior as WireUpdateBehavior,
} from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { checkCount, finite, invalidArgument, optionalId, quoted, requiredId, requiredText } from "./request-reader.js";
import { plainReply } from "./unary-call.js";

/** The four methods that ask upstream to do something. Of a list, nothing is sent unless all of it can be. */
export function writeCalls<A extends Answers>(
  reportUsage: UsageReporting,
  reportEvents: EventReporting,
  reload: ReloadEntitlements,
  encode: AnswerEncoders<A>,
  { maxItems, maxIdBytes }: { readonly maxItems: number; readonly maxIdBytes: number },
) {
  return {
    async reportUsage(request: ReportUsageRequest, call: ServiceCallContext): Promise<Reply<A["reportUsage"]>> {
      const measurement = await reportUsage.report(
        readUsageReport(request, call.idempotencyKey, undefined, maxIdBytes),
        call,
      );
      return plainReply(encode.measurement(measurement), measurement.state);
    },

    async reportUsageBulk(
      { usages }: ReportUsageBulkRequest,
      call: ServiceCallContext,
    ): Promise<Reply<A["reportUsageBulk"]>> {
      checkCount(usages.length, maxItems, "usages");
      const reports = usages.map((usage, index) => readUsageReport(usage, call.idempotencyKey, index, maxIdBytes));
      const measurements = reports.length === 0 ? [] : await reportUsage.reportBulk(reports, call);
      return plainReply(encode.measurements(measurements), stateOf(measurements));
    },

    async reportEvents({ events }: ReportEventsRequest, call: ServiceCallContext): Promise<Reply<A["reportEvents"]>> {
      checkCount(events.length, maxItems, "events");
      const readEvents = events.map((event, index) => readUsageEvent(event, `events[${index}].`, maxIdBytes));
      return plainReply(
        encode.empty(),
        readEvents.length > 0 ? await reportEvents.report(readEvents, call) : undefined,
      );
    },

    async reloadEntitlements(
      { customerId, resourceId }: ReloadEntitlementsRequest,
      call: ServiceCallContext,
    ): Promise<Reply<A["reloadEntitlements"]>> {
      const subject = {
        customerId: requiredId(customerId, "customer_id", maxIdBytes),
        resourceId: optionalId(resourceId, "resource_id", maxIdBytes),
      };
      return plainReply(encode.reload(await reload.reload(subject, call.span)));
    },
  };
}

/** Of several, that of the one that has come least far. */
function stateOf(measurements: readonly UsageMeasurement[]): UsageState | undefined {
  return measurements.find(({ state }) => state === "accepted")?.state ?? measurements[0]?.state;
}

/**
 * A report of usage, with the one key under which it is counted however often it is sent upstream.
 *
 * @param callerKey the caller's own key; undefined: the report is another one each time
 * @param index where the report stands in a bulk request, whose items have keys derived from the caller's
 * @throws CodedError `invalid-argument` naming the field
 */
export function readUsageReport(
  request: ReportUsageRequest,
  callerKey: string | undefined,
  index?: number,
  maxIdBytes?: number,
): UsageReport {
  const path = index === undefined ? "" : `usages[${index}].`;
  return {
    subject: {
      customerId: requiredId(request.customerId, `${path}customer_id`, maxIdBytes),
      resourceId: optionalId(request.resourceId, `${path}resource_id`, maxIdBytes),
    },
    featureId: requiredId(request.featureId, `${path}feature_id`, maxIdBytes),
    value: finite(request.value, `${path}value`),
    updateBehavior: readUpdateBehavior(request.updateBehavior, `${path}update_behavior`),
    dimensions: readDimensions(request.dimensions, `${path}dimensions`),
    timestamp: readTimestamp(request.timestamp, `${path}timestamp`),
    ...keyOf(callerKey, index),
  };
}

/** Clients of some languages send "" for what they leave out. @throws CodedError `invalid-argument` */
function keyOf(callerKey: string | undefined, index: number | undefined): ReportKey {
  const key = callerKey === "" ? undefined : callerKey;
  const fault = key === undefined ? undefined : faultOfKey(key);
  if (fault !== undefined) throw invalidArgument(`the metadata idempotency-key ${fault}`);
  return reportKeyOf(key, index, randomUUID);
}

/**
 * @param path where the event stands in the request, for example "events[3]."
 * @throws CodedError `invalid-argument` naming the field
 */
export function readUsageEvent(event: Event, path: string, maxIdBytes?: number): UsageEvent {
  return {
    eventName: requiredText(event.eventName, `${path}event_name`),
    subject: {
      customerId: requiredId(event.customerId, `${path}customer_id`, maxIdBytes),
      resourceId: optionalId(event.resourceId, `${path}resource_id`, maxIdBytes),
    },
    idempotencyKey: requiredText(event.idempotencyKey, `${path}idempotency_key`),
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

type DimensionsMessage = Readonly<Record<string, EventDimensionValue>>;

const NO_DIMENSIONS: Dimensions = new Map();

/** @throws CodedError `invalid-argument` naming the dimension */
export function readDimensions(message: DimensionsMessage, field: string): Dimensions {
  const names = Object.keys(message);
  if (names.length === 0) return NO_DIMENSIONS;
  const dimensions = new Map<string, DimensionValue>();
  for (const name of names) dimensions.set(name, readDimension(message[name], `${field}[${quoted(name)}]`));
  return dimensions;
}

function readDimension(dimension: EventDimensionValue | undefined, field: string): DimensionValue {
  switch (dimension?.value.case) {
    case "stringValue":
    case "booleanValue":
      return dimension.value.value;
    case "numberValue":
      return finite(dimension.value.value, `${field}.number_value`);
    case undefined:
      throw invalidArgument(`${field} has no value: set one of string_value, number_value and boolean_value`);
  }
}

/**
 * @returns epoch milliseconds
 * @throws CodedError `invalid-argument` naming the field
 */
export function readTimestamp(timestamp: Timestamp | undefined, field: string): number | undefined {
  if (timestamp === undefined) return undefined;
  const seconds = Number(timestamp.seconds);
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND || timestamp.nanos < 0 || timestamp.nanos > MAX_NANOS) {
    throw invalidArgument(
      `${field} is outside of the years 1 to 9999: send seconds since 1970 and nanos from 0 to 999999999`,
    );
  }
  return seconds * 1000 + Math.floor(timestamp.nanos / 1e6);
}

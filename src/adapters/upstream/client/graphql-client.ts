import type { CustomerState } from "../../../domain/customer-state.js";
import { CodedError } from "../../../domain/errors.js";
import type { Dimensions, UsageEvent, UsageMeasurement, UsageReport } from "../../../domain/usage/usage-report.js";
import type { Span } from "../../../ports/tracer.js";
import type { CancelSignal } from "../../../ports/waits.js";
import { decodeEntitlementsState } from "../../../wire/decode-entitlements-state.js";
import type { FaultLog } from "../../../wire/fault-log.js";
import { isObject } from "../../../wire/fields.js";
import type { TracedReport, TracedSubject } from "../resilience/operation.js";
import { type Answerer, dataOf, isRefusalOfBody, isRefusalOfReport, missingEntityStateOf } from "./answer-data.js";
import { decodeMeasurement, decodeMeasurements } from "./decode-measurement.js";
import {
  GET_ENTITLEMENTS_STATE,
  GET_SDK_CONFIGURATION,
  type GraphqlOperation,
  REPORT_EVENT,
  REPORT_USAGE,
  REPORT_USAGE_BULK,
} from "./graphql-documents.js";
import type { HttpJson } from "./http-json.js";

/** Names the operation of a request. */
export const OPERATION_HEADER = "x-graphql-operation-name";

const API: Answerer = { name: "the API", isRefusal: isRefusalOfBody };
const API_FOR_REPORTS: Answerer = { name: "the API", isRefusal: isRefusalOfReport, takesReports: true };

/** Upstream's API itself: always the present truth, and the only place that takes reports. */
export class GraphqlClient {
  readonly #http: HttpJson;
  readonly #faults: FaultLog;

  constructor(http: HttpJson, faults: FaultLog) {
    this.#http = http;
    this.#faults = faults;
  }

  /** @throws CodedError upstream's failure; a customer that upstream does not know is none */
  async fetchState({ customerId, resourceId, span }: TracedSubject, signal: CancelSignal): Promise<CustomerState> {
    try {
      const data = await this.#execute(GET_ENTITLEMENTS_STATE, { query: { customerId, resourceId } }, signal, span);
      return decodeEntitlementsState(data, (fault) => this.#faults.add("the API's entitlements", fault));
    } catch (error) {
      const missing = missingEntityStateOf(error);
      if (missing !== undefined) return missing;
      throw error;
    }
  }

  dropIdleConnections(): void {
    this.#http.dropIdleConnections();
  }

  /** What shows that the API is there and takes the key. */
  async fetchConfiguration(signal: CancelSignal): Promise<void> {
    await this.#execute(GET_SDK_CONFIGURATION, {}, signal);
  }

  async reportUsage({ report, span }: TracedReport<UsageReport>, signal: CancelSignal): Promise<UsageMeasurement> {
    const data = await this.#execute(REPORT_USAGE, { input: encodeUsageReport(report) }, signal, span);
    return decodeMeasurement(acknowledgementIn(data, "reportUsage"), report, (fault) =>
      this.#faults.add("the API's measurement", fault),
    );
  }

  async reportUsageBulk(
    { report: reports, span }: TracedReport<readonly UsageReport[]>,
    signal: CancelSignal,
  ): Promise<readonly UsageMeasurement[]> {
    const input = { usages: reports.map(encodeUsageReport) };
    const data = await this.#execute(REPORT_USAGE_BULK, { input }, signal, span);
    return decodeMeasurements(acknowledgementIn(data, "reportUsageBulk"), reports, (fault) =>
      this.#faults.add("the API's measurements", fault),
    );
  }

  async reportEvents(
    { report: events, span }: TracedReport<readonly UsageEvent[]>,
    signal: CancelSignal,
  ): Promise<void> {
    await this.#execute(REPORT_EVENT, { input: { usageEvents: events.map(encodeUsageEvent) } }, signal, span);
  }

  async #execute(
    { name, document, takesReports }: GraphqlOperation,
    variables: object,
    signal: CancelSignal,
    parent?: Span,
  ): Promise<unknown> {
    const body = { operationName: name, variables, query: document };
    const span = parent?.child(`API ${name}`, "client", { "graphql.operation.name": name });
    const answer = await this.#http.post("/graphql", body, { [OPERATION_HEADER]: name }, signal, span);
    return dataOf(answer, takesReports ? API_FOR_REPORTS : API);
  }
}

/** An answer without its own field says neither that usage was counted nor why not. */
function acknowledgementIn(data: unknown, name: string): unknown {
  const field: unknown = isObject(data) ? new Map<string, unknown>(Object.entries(data)).get(name) : undefined;
  if (field !== undefined && field !== null) return field;
  throw new CodedError("internal", "the API answered without saying whether the usage was counted");
}

/** A report as the API's ReportUsageInput. What is undefined is left out of the JSON. */
function encodeUsageReport(report: UsageReport): object {
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
function encodeUsageEvent(event: UsageEvent): object {
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

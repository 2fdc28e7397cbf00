import type { CustomerState } from "../../../domain/customer-state.js";
import { CodedError } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../../domain/usage/usage-report.js";
import { decodeEntitlementsState } from "../../../wire/decode-entitlements-state.js";
import type { FaultLog } from "../../../wire/fault-log.js";
import { isObject } from "../../../wire/fields.js";
import { type Answerer, dataOf, isRefusalOfBody } from "./answer-data.js";
import { decodeMeasurement, decodeMeasurements } from "./decode-measurement.js";
import { encodeUsageEvent, encodeUsageReport } from "./encode-reports.js";
import {
  GET_ENTITLEMENTS_STATE,
  GET_SDK_CONFIGURATION,
  type GraphqlOperation,
  REPORT_EVENT,
  REPORT_USAGE,
  REPORT_USAGE_BULK,
} from "./graphql-documents.js";
import type { HttpJson } from "./http-json.js";
import { missingEntityStateOf } from "./missing-entity.js";

const API: Answerer = { name: "the API", isRefusal: isRefusalOfBody };

/** Upstream's API itself: always the present truth, and the only place that takes reports. */
export class GraphqlClient {
  readonly #http: HttpJson;
  readonly #faults: FaultLog;

  constructor(http: HttpJson, faults: FaultLog) {
    this.#http = http;
    this.#faults = faults;
  }

  /** @throws CodedError upstream's failure; a customer that upstream does not know is none */
  async fetchState({ customerId, resourceId }: Subject, signal: AbortSignal): Promise<CustomerState> {
    try {
      const data = await this.#execute(GET_ENTITLEMENTS_STATE, { query: { customerId, resourceId } }, signal);
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
  async fetchConfiguration(signal: AbortSignal): Promise<void> {
    await this.#execute(GET_SDK_CONFIGURATION, {}, signal);
  }

  async reportUsage(report: UsageReport, signal: AbortSignal): Promise<UsageMeasurement> {
    const data = await this.#execute(REPORT_USAGE, { input: encodeUsageReport(report) }, signal);
    return decodeMeasurement(acknowledgementIn(data, "reportUsage"), report, (fault) =>
      this.#faults.add("the API's measurement", fault),
    );
  }

  async reportUsageBulk(reports: readonly UsageReport[], signal: AbortSignal): Promise<readonly UsageMeasurement[]> {
    const data = await this.#execute(REPORT_USAGE_BULK, { input: { usages: reports.map(encodeUsageReport) } }, signal);
    return decodeMeasurements(acknowledgementIn(data, "reportUsageBulk"), reports, (fault) =>
      this.#faults.add("the API's measurements", fault),
    );
  }

  async reportEvents(events: readonly UsageEvent[], signal: AbortSignal): Promise<void> {
    await this.#execute(REPORT_EVENT, { input: { usageEvents: events.map(encodeUsageEvent) } }, signal);
  }

  async #execute({ name, document }: GraphqlOperation, variables: object, signal: AbortSignal): Promise<unknown> {
    const body = { operationName: name, variables, query: document };
    const answer = await this.#http.post("/graphql", body, { "x-graphql-operation-name": name }, signal);
    return dataOf(answer, API);
  }
}

/** An answer without its own field says neither that usage was counted nor why not. */
function acknowledgementIn(data: unknown, name: string): unknown {
  const field: unknown = isObject(data) ? new Map<string, unknown>(Object.entries(data)).get(name) : undefined;
  if (field !== undefined && field !== null) return field;
  throw new CodedError("internal", "the API answered without saying whether the usage was counted");
}

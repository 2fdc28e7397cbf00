import type { CustomerState } from "../../../domain/customer-state.js";
import { isWellFormed, type Subject } from "../../../domain/subject.js";
import type { CancelSignal } from "../../../ports/waits.js";
import { decodeEntitlementsState } from "../../../wire/decode-entitlements-state.js";
import type { FaultLog, FieldFault } from "../../../wire/fault-log.js";
import { RecognizedAnswers } from "../answers/recognized-answers.js";
import type { TracedSubject } from "../resilience/operation.js";
import { type Answerer, dataOf, isRefusalOfPath, missingEntityStateOf } from "./answer-data.js";
import type { HttpJson } from "./http-json.js";
import type { TextAnswer } from "./text-answer.js";

const EDGE: Answerer = { name: "Edge", isRefusal: isRefusalOfPath };

/** Upstream's cache near to its clients: fast, and now and then behind. It answers what is entitled, and takes no reports. */
export class EdgeClient {
  readonly #http: HttpJson;
  readonly #faults: FaultLog;
  readonly #recognized = new RecognizedAnswers();

  constructor(http: HttpJson, faults: FaultLog) {
    this.#http = http;
    this.#faults = faults;
  }

  /** @throws CodedError upstream's failure; a customer that upstream does not know is none */
  async fetchState(subject: TracedSubject, signal: CancelSignal): Promise<CustomerState> {
    const span = subject.span?.child("Edge entitlements-state", "client");
    const answer = await this.#http.get(statePathOf(subject), signal, span);
    const recognized = answer.isSuccess ? this.#recognized.find(answer.text) : undefined;
    if (recognized !== undefined) return recognized;
    try {
      return this.#decode(answer);
    } catch (error) {
      const missing = missingEntityStateOf(error);
      if (missing !== undefined) return missing;
      throw error;
    }
  }

  #decode(answer: TextAnswer): CustomerState {
    const faults: FieldFault[] = [];
    const state = decodeEntitlementsState(dataOf(answer, EDGE), (fault) => faults.push(fault));
    for (const fault of faults) this.#faults.add("Edge's entitlements", fault);
    if (faults.length === 0) this.#recognized.learn(answer.text, state);
    return state;
  }

  dropIdleConnections(): void {
    this.#http.dropIdleConnections();
  }

  /** What shows that Edge is there and takes the key. */
  async fetchConfiguration(signal: CancelSignal): Promise<void> {
    dataOf(await this.#http.get("/v1/config/server-sdk-configuration.json", signal), EDGE);
  }
}

/**
 * Whether a subject's customer can be named in a path. Dots alone are a step between folders however they are
 * encoded, and a lone surrogate has no encoding at all.
 */
export function canBeInPath({ customerId, resourceId }: Subject): boolean {
  return !/^\.{1,2}$/.test(customerId) && isWellFormed(customerId) && isWellFormed(resourceId ?? "");
}

function statePathOf({ customerId, resourceId }: Subject): string {
  const query = resourceId === undefined ? "" : `?resourceId=${encodeURIComponent(resourceId)}`;
  return `/v1/c/${encodeURIComponent(customerId)}/entitlements-state.json${query}`;
}

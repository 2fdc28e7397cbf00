import type { IncomingHttpHeaders } from "node:http";
import type { CustomerState } from "../../domain/customer-state.js";
import { CodedError } from "../../domain/errors.js";
import type { Subject } from "../../domain/subject.js";
import type { FetchOptions, UpstreamClient } from "../../ports/upstream-client.js";
import type { EmulatorStats } from "./emulator-stats.js";
import type { FaultBoard } from "./faults/fault-rules.js";

/** What all interfaces of one emulator share. */
export interface EmulatorContext {
  readonly upstream: UpstreamClient;
  readonly apiKey: ApiKeyCheck;
  readonly faults: FaultBoard;
  readonly stats: EmulatorStats;
  readonly clock: { now(): number };
}

const HEADER = "x-api-key";

/** Which API keys are valid: one, or with undefined any. */
export class ApiKeyCheck {
  readonly #valid: string | undefined;

  constructor(valid: string | undefined) {
    this.#valid = valid;
  }

  allowsRequest(headers: IncomingHttpHeaders): boolean {
    return this.#allows(headers[HEADER]);
  }

  /** @param params payload of connection_init: {"headers": {"X-API-KEY": …}}, with header names in any case */
  allowsConnection(params: Readonly<Record<string, unknown>> | undefined): boolean {
    const headers = params?.["headers"];
    if (typeof headers !== "object" || headers === null) return this.#allows(undefined);
    const entry = Object.entries(headers).find(([name]) => name.toLowerCase() === HEADER);
    return this.#allows(entry?.[1]);
  }

  #allows(given: unknown): boolean {
    return this.#valid === undefined || given === this.#valid;
  }
}

/** @throws CodedError `unavailable` where there is no source to ask, by configuration */
export async function fetchKnownState(
  upstream: UpstreamClient,
  subject: Subject,
  options: FetchOptions,
): Promise<CustomerState> {
  const state = await upstream.fetchState(subject, options);
  if (state === undefined)
    throw new CodedError("unavailable", "the emulator has no source of states: start it with a catalog");
  return state;
}

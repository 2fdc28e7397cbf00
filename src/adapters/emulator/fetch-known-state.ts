import type { CustomerState } from "../../domain/customer-state.js";
import { CodedError } from "../../domain/errors.js";
import type { Subject } from "../../domain/subject.js";
import type { FetchOptions, UpstreamClient } from "../../ports/upstream-client.js";

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

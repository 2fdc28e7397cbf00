import { CodedError } from "../../domain/errors.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";
import { FaultLog } from "../../wire/fault-log.js";
import { type ClientIdentity, identityHeaders } from "../../wire/request-headers.js";
import { canBeInPath, EdgeClient } from "./client/edge-client.js";
import { HttpJson } from "./client/http-json.js";
import { tracedSubject } from "./resilience/operation.js";
import { Resilience, type ResilienceParts } from "./resilience/resilience.js";
import { withConcurrencyBound } from "./resilience/with-concurrency-bound.js";
import { limitsForBudget, type VendorUpstreamLimits } from "./vendor-upstream-limits.js";

export interface EdgeUpstreamConfig {
  readonly identity: ClientIdentity;
  readonly edgeApiUrl: string;
  readonly limits?: Partial<VendorUpstreamLimits>;
}

/** What only asks for states, and has time to. */
export interface EdgeUpstream extends Pick<UpstreamClient, "fetchState"> {
  close(): void;
}

/** So many failures in a row are Edge's: fewer may be those of a few subjects that it fails for alone, and there is nobody else to ask. */
const FAILURES_TO_OPEN = 32;
/** How long Edge may take to tell a state, its retry included. */
const TIMEOUT_MS = 5_000;

/** Edge alone, where nobody waits for the answer and there is no other upstream to turn to. */
export function createEdgeUpstream(
  { identity, edgeApiUrl, limits: given }: EdgeUpstreamConfig,
  parts: ResilienceParts,
): EdgeUpstream {
  const limits = {
    ...limitsForBudget(TIMEOUT_MS),
    fetchTimeoutMs: TIMEOUT_MS,
    failuresToOpen: FAILURES_TO_OPEN,
    ...given,
  };
  const resilience = new Resilience(limits, { ...parts, random: parts.random ?? Math.random });
  const headers = identityHeaders(identity, { "X-API-VERSION": "1" });
  const http = new HttpJson({
    name: "Edge",
    baseUrl: edgeApiUrl,
    headers,
    maxBodyBytes: limits.maxBodyBytes,
    requests: parts.telemetry.upstreamRequests.edge,
  });
  const edge = new EdgeClient(http, new FaultLog(parts.logger, parts.telemetry));
  const probe = resilience.timed(
    "Edge",
    limits.probeTimeoutMs,
    resilience.counted((_: undefined, signal) => edge.fetchConfiguration(signal)),
  );
  const ask = resilience.rememberingRefusals(
    "Edge",
    resilience.guarded(
      resilience.breakerOf("Edge", (signal) => probe(undefined, signal)),
      resilience.timed(
        "Edge",
        limits.fetchTimeoutMs,
        resilience.retried(resilience.counted(edge.fetchState.bind(edge))),
      ),
    ),
  );
  const fetch = withConcurrencyBound(ask, {
    maxConcurrent: limits.maxConcurrentFetches,
    maxWaiting: limits.maxWaitingFetches,
  });
  return {
    fetchState: (subject, { signal, span }) =>
      canBeInPath(subject)
        ? fetch(tracedSubject(subject, span), signal)
        : Promise.reject(
            new CodedError("invalid-argument", "Edge cannot be asked for an id that cannot stand in a path"),
          ),
    close: () => {
      resilience.stop();
      http.close();
    },
  };
}

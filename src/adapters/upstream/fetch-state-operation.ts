import type { CustomerState } from "../../domain/customer-state.js";
import type { CancelSignal } from "../../ports/waits.js";
import { canBeInPath, type EdgeClient } from "./client/edge-client.js";
import type { GraphqlClient } from "./client/graphql-client.js";
import { onceMoreIfStale, type Operation, type TracedSubject } from "./resilience/operation.js";
import type { Resilience } from "./resilience/resilience.js";
import type { VendorUpstreamLimits } from "./vendor-upstream-limits.js";

export interface StateRequest {
  readonly subject: TracedSubject;
  readonly latest: boolean;
  readonly preferLatest: boolean;
  readonly onMaybeStale?: (() => void) | undefined;
}

type Fetch = Operation<TracedSubject, CustomerState>;
type FetchStale = Operation<StateRequest, CustomerState>;
type Probe = (signal: CancelSignal) => Promise<unknown>;

/** The upstreams that tell states, each with what shows that it works. */
export interface StateSources {
  readonly api: GraphqlClient;
  readonly probeApi: Probe;
  readonly edge: EdgeClient | undefined;
  readonly probeEdge: Probe;
}

/**
 * How a state is fetched: from Edge, tried twice where that may help, and from the API where Edge fails, refuses or
 * is slow; without Edge from the API, tried twice. An upstream that does not work is not waited for, and one that
 * is slow is not cut off. What is stale is fetched the other way round, and Edge's answer waits for the API's as
 * long as a check can: Edge may not have heard either of what a gap in the updates has hidden. Who needs the
 * present truth asks the API, whatever is known of it: nothing else could answer.
 */
export function fetchStateOperation(
  sources: StateSources,
  resilience: Resilience,
  limits: VendorUpstreamLimits,
): Operation<StateRequest, CustomerState> {
  const askApi: Fetch = onceMoreIfStale(
    resilience.counted((subject, signal) => sources.api.fetchState(subject, signal)),
  );
  const latest = resilience.timed("the API", limits.fetchTimeoutMs, resilience.retried(askApi));
  const apiBreaker = resilience.breakerOf("the API", sources.probeApi);
  const apiAlone = resilience.rememberingRefusals("the API", resilience.guarded(apiBreaker, latest));
  const { usual, stale } =
    sources.edge === undefined
      ? { usual: apiAlone, stale: ofSubject(apiAlone) }
      : withEdge(sources.edge, askApi, apiAlone);

  const fetch: Operation<StateRequest, CustomerState> = (request, signal) => {
    if (request.latest) return latest(request.subject, signal);
    return request.preferLatest ? stale(request, signal) : usual(request.subject, signal);
  };
  return resilience.bounded(fetch);

  function withEdge(
    edge: EdgeClient,
    ask: Fetch,
    apiOnly: Fetch,
  ): { readonly usual: Fetch; readonly stale: FetchStale } {
    const askEdge: Fetch = onceMoreIfStale(resilience.counted((subject, signal) => edge.fetchState(subject, signal)));
    const fromEdge = resilience.rememberingRefusals(
      "Edge",
      resilience.guarded(
        resilience.breakerOf("Edge", sources.probeEdge),
        resilience.timed("Edge", limits.fetchTimeoutMs, resilience.retried(askEdge)),
      ),
    );
    const fromApi = resilience.rememberingRefusals(
      "the API",
      resilience.guarded(apiBreaker, resilience.timed("the API", limits.fetchTimeoutMs, ask)),
    );
    const edgeAsLastResort: FetchStale = async ({ subject, onMaybeStale }, signal) => {
      const state = await fromEdge(subject, signal);
      onMaybeStale?.();
      return state;
    };
    const edgeFirst = resilience.hedged(fromEdge, fromApi, { onSlow: () => edge.dropIdleConnections() });
    const edgeLast = resilience.hedged(ofSubject(fromApi), edgeAsLastResort, {
      preferFirstForMs: limits.preferLatestForMs,
      onSlow: () => sources.api.dropIdleConnections(),
    });
    return {
      usual: (subject, signal) => (canBeInPath(subject) ? edgeFirst : apiOnly)(subject, signal),
      stale: (request, signal) =>
        canBeInPath(request.subject) ? edgeLast(request, signal) : apiOnly(request.subject, signal),
    };
  }
}

function ofSubject(fetch: Fetch): FetchStale {
  return ({ subject }, signal) => fetch(subject, signal);
}

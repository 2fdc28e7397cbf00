import type { CustomerState } from "../../domain/customer-state.js";
import type { Subject } from "../../domain/subject.js";
import type { CircuitBreaker } from "./circuit-breaker.js";
import { canBeInPath, type EdgeClient } from "./edge-client.js";
import type { GraphqlClient } from "./graphql-client.js";
import type { Operation } from "./operation.js";
import type { Resilience } from "./resilience.js";
import type { VendorUpstreamLimits } from "./vendor-upstream-limits.js";
import { withConcurrencyBound } from "./with-concurrency-bound.js";

export interface StateRequest {
  readonly subject: Subject;
  readonly latest: boolean;
  readonly preferLatest: boolean;
  readonly onMayBeBehind?: (() => void) | undefined;
}

type Fetch = Operation<Subject, CustomerState>;
type FetchInDoubt = Operation<StateRequest, CustomerState>;
type Probe = (signal: AbortSignal) => Promise<unknown>;

/** The upstreams that tell states, each with what shows that it works. */
export interface StateSources {
  readonly api: GraphqlClient;
  readonly probeApi: Probe;
  readonly edge: EdgeClient | undefined;
  readonly probeEdge: Probe;
}

/**
 * How a state is fetched: from Edge, tried twice where that may help, then from the API; without Edge from the
 * API, tried twice. An upstream that does not work is not waited for. What is in doubt is fetched the other way
 * round: Edge may not have heard either of what a gap in the updates has hidden. Who needs the present truth asks
 * the API, whatever is known of it: nothing else could answer.
 */
export function fetchStateOperation(
  sources: StateSources,
  resilience: Resilience,
  limits: VendorUpstreamLimits,
): Operation<StateRequest, CustomerState> {
  const askApi: Fetch = resilience.counted((subject, signal) => sources.api.fetchState(subject, signal));
  const latest = resilience.timed("the API", limits.apiTimeoutMs, resilience.retried(askApi));
  const apiBreaker = resilience.breakerOf("the API", sources.probeApi);
  const apiAlone = resilience.guarded(apiBreaker, latest);
  const { usual, inDoubt } =
    sources.edge === undefined ? { usual: apiAlone, inDoubt: ofSubject(apiAlone) } : withEdge(sources.edge, askApi, apiAlone, apiBreaker);

  const fetch: Operation<StateRequest, CustomerState> = (request, signal) => {
    if (request.latest) return latest(request.subject, signal);
    return request.preferLatest ? inDoubt(request, signal) : usual(request.subject, signal);
  };
  return withConcurrencyBound(fetch, { maxConcurrent: limits.maxConcurrentFetches, maxWaiting: limits.maxWaitingFetches });

  function withEdge(edge: EdgeClient, ask: Fetch, apiOnly: Fetch, breaker: CircuitBreaker): { readonly usual: Fetch; readonly inDoubt: FetchInDoubt } {
    const askEdge: Fetch = resilience.counted((subject, signal) => edge.fetchState(subject, signal));
    const fromEdge = resilience.guarded(
      resilience.breakerOf("Edge", sources.probeEdge),
      resilience.timed("Edge", limits.firstTimeoutMs, resilience.retried(askEdge)),
    );
    const apiFirst = resilience.guarded(breaker, resilience.timed("the API", limits.firstTimeoutMs, ask));
    const apiSecond = resilience.guarded(breaker, resilience.timed("the API", limits.apiTimeoutMs, ask));
    const fromEdgeAtLast: FetchInDoubt = async ({ subject, onMayBeBehind }, signal) => {
      const state = await fromEdge(subject, signal);
      onMayBeBehind?.();
      return state;
    };
    const edgeFirst = resilience.either(fromEdge, apiSecond);
    const edgeLast = resilience.either(ofSubject(apiFirst), fromEdgeAtLast);
    return {
      usual: (subject, signal) => (canBeInPath(subject) ? edgeFirst : apiOnly)(subject, signal),
      inDoubt: (request, signal) => (canBeInPath(request.subject) ? edgeLast(request, signal) : apiOnly(request.subject, signal)),
    };
  }
}

function ofSubject(fetch: Fetch): FetchInDoubt {
  return ({ subject }, signal) => fetch(subject, signal);
}

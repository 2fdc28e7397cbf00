import type { CustomerState } from "../../domain/customer-state.js";
import type { Subject } from "../../domain/subject.js";
import { canBeInPath, type EdgeClient } from "./edge-client.js";
import type { GraphqlClient } from "./graphql-client.js";
import type { Operation } from "./operation.js";
import type { Resilience } from "./resilience.js";
import type { VendorUpstreamLimits } from "./vendor-upstream-limits.js";
import { withConcurrencyBound } from "./with-concurrency-bound.js";

export interface StateRequest {
  readonly subject: Subject;
  readonly latest: boolean;
}

type Fetch = Operation<Subject, CustomerState>;
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
 * API, tried twice. An upstream that does not work is not waited for. Who needs the present truth asks the API,
 * whatever is known of it: nothing else could answer.
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
  const apiAfterEdge = resilience.guarded(apiBreaker, resilience.timed("the API", limits.apiTimeoutMs, askApi));
  const usual = sources.edge === undefined ? apiAlone : edgeThen(sources.edge, apiAfterEdge, apiAlone);

  return withConcurrencyBound(({ subject, latest: mustBeLatest }, signal) => (mustBeLatest ? latest : usual)(subject, signal), {
    maxConcurrent: limits.maxConcurrentFetches,
    maxWaiting: limits.maxWaitingFetches,
  });

  function edgeThen(edge: EdgeClient, apiNext: Fetch, apiOnly: Fetch): Fetch {
    const askEdge: Fetch = resilience.counted((subject, signal) => edge.fetchState(subject, signal));
    const edgeFirst = resilience.either(
      resilience.guarded(
        resilience.breakerOf("Edge", sources.probeEdge),
        resilience.timed("Edge", limits.edgeTimeoutMs, resilience.retried(askEdge)),
      ),
      apiNext,
    );
    return (subject, signal) => (canBeInPath(subject) ? edgeFirst : apiOnly)(subject, signal);
  }
}

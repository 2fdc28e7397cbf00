import type { CustomerState } from "../../domain/customer-state.js";
import type { Subject } from "../../domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../domain/usage/usage-report.js";
import type { UpstreamTarget } from "../../ports/telemetry.js";
import type { FetchOptions, ReportOptions, StrikeRequest, UpstreamClient } from "../../ports/upstream-client.js";
import type { CancelSignal } from "../../ports/waits.js";
import { FaultLog } from "../../wire/fault-log.js";
import { type ClientIdentity, identityHeaders } from "../../wire/request-headers.js";
import { EdgeClient } from "./client/edge-client.js";
import { FaultyHttp } from "./client/faulty-http.js";
import { GraphqlClient } from "./client/graphql-client.js";
import { HttpJson, type HttpJsonOptions } from "./client/http-json.js";
import { fetchStateOperation, type StateRequest } from "./fetch-state-operation.js";
import { type Operation, type TracedReport, tracedSubject } from "./resilience/operation.js";
import { Resilience, type ResilienceParts } from "./resilience/resilience.js";
import { withOutcome } from "./resilience/with-outcome.js";
import { StartUpCheck } from "./start-up-check.js";
import { limitsForBudget, type VendorUpstreamLimits } from "./vendor-upstream-limits.js";

export interface VendorUpstreamConfig {
  readonly identity: ClientIdentity;
  readonly apiUrl: string;
  /** Undefined: states are read from the API. */
  readonly edgeApiUrl: string | undefined;
  /** How long a check waits for a state, milliseconds. */
  readonly checkBudgetMs: number;
  readonly limits?: Partial<VendorUpstreamLimits>;
  /** What requests are made to suffer, in a drill. */
  readonly strike?: StrikeRequest | undefined;
}

/** Edge and the API behind one port, and what keeps their faults from reaching a caller. Opens no connection by itself. */
export function createVendorUpstream(config: VendorUpstreamConfig, parts: ResilienceParts): VendorUpstream {
  const limits = { ...limitsForBudget(config.checkBudgetMs), ...config.limits };
  const random = parts.random ?? Math.random;
  const resilience = new Resilience(limits, { ...parts, random });
  const faults = new FaultLog(parts.logger, parts.telemetry);
  const headers = identityHeaders(config.identity);
  const { maxBodyBytes } = limits;
  const { edge: edgeRequests, api: apiRequests } = parts.telemetry.upstreamRequests;

  const { strike } = config;
  const apiHttp = httpTo("api", {
    name: "the API",
    baseUrl: config.apiUrl,
    headers,
    maxBodyBytes,
    requests: apiRequests,
  });
  const api = new GraphqlClient(apiHttp, faults);
  const probeApi = probeOf("the API", api);

  const edgeHttp =
    config.edgeApiUrl === undefined
      ? undefined
      : httpTo("edge", {
          name: "Edge",
          baseUrl: config.edgeApiUrl,
          headers: identityHeaders(config.identity, { "X-API-VERSION": "1" }),
          maxBodyBytes,
          requests: edgeRequests,
        });
  const edge = edgeHttp === undefined ? undefined : new EdgeClient(edgeHttp, faults);
  const probeEdge = edge === undefined ? probeApi : probeOf("Edge", edge);

  const startUpCheck = new StartUpCheck(
    {
      name: edge === undefined ? `the API at ${config.apiUrl}` : `Edge at ${config.edgeApiUrl ?? ""}`,
      target: edge === undefined ? "api" : "edge",
      probe: probeEdge,
      firstDelayMs: limits.probeDelayMs,
      longestDelayMs: limits.maxStartUpDelayMs,
      random,
    },
    parts.clock,
    parts.logger,
    parts.telemetry,
  );
  const operations = {
    fetchState: fetchStateOperation({ api, probeApi, edge, probeEdge }, resilience, limits),
    reportUsage: reporting(api.reportUsage.bind(api)),
    reportUsageBulk: reporting(api.reportUsageBulk.bind(api)),
    reportEvents: reporting(api.reportEvents.bind(api)),
  };
  return new VendorUpstreamClient(operations, startUpCheck, () => {
    resilience.stop();
    apiHttp.close();
    edgeHttp?.close();
  });

  /**
   * Reports are tried twice: each carries its own idempotency key and timestamp, the same in both tries, so upstream
   * counts it once whether or not the first one arrived. They pass no circuit breaker: nothing can stand in for a report.
   */
  function reporting<I, O>(operation: Operation<I, O>): Operation<I, O> {
    return withOutcome(operation, (report) =>
      resilience.timed("the API", limits.reportTimeoutMs, resilience.retried(resilience.counted(report))),
    );
  }

  function httpTo(target: UpstreamTarget, options: HttpJsonOptions): HttpJson {
    return strike === undefined ? new HttpJson(options) : new FaultyHttp(target, options, strike);
  }

  function probeOf(name: string, client: { fetchConfiguration(signal: CancelSignal): Promise<void> }) {
    const ask = resilience.timed(
      name,
      limits.probeTimeoutMs,
      resilience.counted((_: undefined, signal) => client.fetchConfiguration(signal)),
    );
    return (signal: CancelSignal) => ask(undefined, signal);
  }
}

/** The vendor's upstream. */
export interface VendorUpstream extends UpstreamClient {
  /** Resolves once upstream has been reached and has taken the key. */
  readonly reached: Promise<void>;
  /** Begins to find out whether upstream is there and takes the key. Returns at once and never throws. */
  start(): void;
  /** Ends all of it; what is under way fails. */
  close(): void;
}

/** What the vendor's upstream can be asked, each made resilient in its own way. */
export interface VendorOperations {
  readonly fetchState: Operation<StateRequest, CustomerState>;
  readonly reportUsage: Operation<TracedReport<UsageReport>, UsageMeasurement>;
  readonly reportUsageBulk: Operation<TracedReport<readonly UsageReport[]>, readonly UsageMeasurement[]>;
  readonly reportEvents: Operation<TracedReport<readonly UsageEvent[]>, void>;
}

class VendorUpstreamClient implements VendorUpstream {
  readonly #operations: VendorOperations;
  readonly #startUpCheck: StartUpCheck;
  readonly #release: () => void;

  constructor(operations: VendorOperations, startUpCheck: StartUpCheck, release: () => void) {
    this.#operations = operations;
    this.#startUpCheck = startUpCheck;
    this.#release = release;
  }

  fetchState(
    subject: Subject,
    { latest, preferLatest = false, onMaybeStale, signal, span }: FetchOptions,
  ): Promise<CustomerState> {
    return this.#operations.fetchState(
      { subject: tracedSubject(subject, span), latest, preferLatest, onMaybeStale },
      signal,
    );
  }

  reportUsage(report: UsageReport, { signal, span }: ReportOptions): Promise<UsageMeasurement> {
    return this.#operations.reportUsage({ report, span }, signal);
  }

  reportUsageBulk(
    report: readonly UsageReport[],
    { signal, span }: ReportOptions,
  ): Promise<readonly UsageMeasurement[]> {
    return this.#operations.reportUsageBulk({ report, span }, signal);
  }

  reportEvents(report: readonly UsageEvent[], { signal, span }: ReportOptions): Promise<void> {
    return this.#operations.reportEvents({ report, span }, signal);
  }

  get reached(): Promise<void> {
    return this.#startUpCheck.reached;
  }

  start(): void {
    this.#startUpCheck.start();
  }

  close(): void {
    this.#startUpCheck.stop();
    this.#release();
  }
}

import { type FailurePolicy, POLICY_ANSWERS } from "../domain/decision/failure-policy.js";

/** What is counted while changes are consumed. Durations in seconds. */
export interface ConsumptionTelemetry {
  /** @returns tells how long ago this was */
  stopwatch(): () => number;
  /** One round trip that wrote to the shared cache. */
  wrote(seconds: number): void;
  /** A write that did not succeed, for whatever reason. */
  writeFailed(): void;
  /** Messages whose effect is in the shared cache, and that were taken off the queue; each took this long. */
  handled(messages: number, seconds: number): void;
  /** A subject that upstream refuses, or goes on failing for while it answers for others. */
  refetchFailed(): void;
  /** A message that can never be carried out. */
  rejected(): void;
}

/** Where an answer came from. */
export const ANSWER_SOURCES = ["memory", "redis", "upstream", "stale", "fallback", "assumed"] as const;

export type AnswerSource = (typeof ANSWER_SOURCES)[number];

/** Whether somebody outside of this process was asked for the answer, and knew it. */
export function wasAskedFor(source: AnswerSource): boolean {
  return source === "redis" || source === "upstream";
}

/** Whom the service sends requests to. */
export const UPSTREAM_TARGETS = ["edge", "api"] as const;

export type UpstreamTarget = (typeof UPSTREAM_TARGETS)[number];

/** How one request to an upstream ended: by the status of its answer, or without one. */
export const REQUEST_RESULTS = ["2xx", "3xx", "4xx", "5xx", "unreachable", "abandoned"] as const;

export type RequestResult = (typeof REQUEST_RESULTS)[number];

/** What was asked of one upstream: each try counts. */
export class UpstreamRequests {
  readonly results: Record<RequestResult, number> = {
    "2xx": 0,
    "3xx": 0,
    "4xx": 0,
    "5xx": 0,
    unreachable: 0,
    abandoned: 0,
  };
  readonly durations = new DurationHistogram();

  ended(result: RequestResult, ms: number): void {
    this.results[result]++;
    this.durations.observe(ms);
  }
}

/** What became of usage and events that were handed to upstream: `failed` is any end of which it is not certain that upstream refused. */
export const REPORT_RESULTS = ["delivered", "refused", "failed"] as const;

export type ReportResult = (typeof REPORT_RESULTS)[number];

export const REPORT_KINDS = ["usage", "event"] as const;

export type ReportKind = (typeof REPORT_KINDS)[number];

/** What the service depends on, as far as it is configured to. */
export const DEPENDENCIES = [
  "edge",
  "api",
  "update_stream",
  "redis",
  "redis_invalidations",
  "redis_writes",
  "shared_cache",
  "queue",
  "catalog_file",
  "state_file",
  "outbox",
  "snapshot",
  "tls_files",
] as const;

export type DependencyName = (typeof DEPENDENCIES)[number];

/** Whether one thing that the service depends on works: false until it is known to. */
export class DependencyState {
  readonly name: DependencyName;
  readonly #all: Set<DependencyState>;
  #isUp: boolean | undefined;
  #since: number | undefined;
  #lastError: string | undefined;

  constructor(name: DependencyName, all: Set<DependencyState>) {
    this.name = name;
    this.#all = all;
    all.add(this);
  }

  get isUp(): boolean {
    return this.#isUp === true;
  }

  /** Whether anything is known of it yet. */
  get isKnown(): boolean {
    return this.#isUp !== undefined;
  }

  /** When it last came or went, epoch milliseconds; undefined: nothing is known yet. */
  get since(): number | undefined {
    return this.#since;
  }

  /** Why it last did not work, also where it does by now. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** @param error why it does not work */
  set(isUp: boolean, error?: string): void {
    if (error !== undefined) this.#lastError = error;
    if (this.#isUp === isUp) return;
    this.#isUp = isUp;
    // Shown to people, and nothing is decided by it: the machine's own time will do.
    this.#since = Date.now();
  }

  /** It is in use no more. */
  release(): void {
    this.#all.delete(this);
  }
}

/**
 * What the service counts, as plain numbers that only grow, and a few facts that are true for now: keeping them costs an
 * addition or an assignment, and whoever exports them reads them when asked.
 */
export interface Telemetry {
  initializationErrors: number;
  invalidApiKeyErrors: number;
  /** What upstream said last of the API key that is in use. */
  apiKeyState: "unknown" | "accepted" | "refused";
  networkRequestErrors: number;
  /** Parts of upstream's answers and events that could not be used and were left out. */
  malformedUpstreamData: number;
  /** Fetches of a state that upstream refused, while it works for others. */
  refusedFetches: number;
  redisClientErrors: number;
  /** Checks answered from a state that was cached and usable. */
  cacheHits: number;
  /** Checks for which a state had to be fetched first. */
  cacheMisses: number;
  cacheEvictions: number;
  readonly answers: Record<AnswerSource, number>;
  /** Answers that a failure policy made up. */
  readonly assumedAnswers: Readonly<Record<"granted" | "denied", Record<FailurePolicy["answer"], number>>>;
  /** Answers from a state that may have changed since: nothing vouched for it at that time, wherever it came from. */
  staleAnswers: number;
  /** When the update stream last brought a change, epoch milliseconds; 0: never. */
  lastStreamMessageAt: number;
  /** When the certificate that is served expires, epoch milliseconds; 0: none is. */
  tlsExpiresAt: number;
  /** When the catalog that is served was taken into use, epoch milliseconds; 0: there is none. */
  catalogLoadedAt: number;
  readonly catalogReloads: Record<"applied" | "refused", number>;
  readonly upstreamRequests: Readonly<Record<UpstreamTarget, UpstreamRequests>>;
  /** From when commands are handed to a connection of Redis until all of them are answered. */
  readonly redisRoundTrips: DurationHistogram;
  /** Usages and events, each of a bulk by itself. */
  readonly reports: Readonly<Record<ReportKind, Record<ReportResult, number>>>;
  /** The circuit breakers by the upstream that they guard, whether each is open. */
  readonly openBreakers: Map<string, boolean>;
  /** Of everything in use; one name can stand for several connections. */
  readonly dependencies: Set<DependencyState>;
}

export function newTelemetry(): Telemetry {
  return {
    initializationErrors: 0,
    invalidApiKeyErrors: 0,
    apiKeyState: "unknown",
    networkRequestErrors: 0,
    malformedUpstreamData: 0,
    refusedFetches: 0,
    redisClientErrors: 0,
    cacheHits: 0,
    cacheMisses: 0,
    cacheEvictions: 0,
    answers: { memory: 0, redis: 0, upstream: 0, stale: 0, fallback: 0, assumed: 0 },
    assumedAnswers: { granted: noneOfEach(), denied: noneOfEach() },
    staleAnswers: 0,
    lastStreamMessageAt: 0,
    tlsExpiresAt: 0,
    catalogLoadedAt: 0,
    catalogReloads: { applied: 0, refused: 0 },
    upstreamRequests: { edge: new UpstreamRequests(), api: new UpstreamRequests() },
    redisRoundTrips: new DurationHistogram(),
    reports: { usage: { delivered: 0, refused: 0, failed: 0 }, event: { delivered: 0, refused: 0, failed: 0 } },
    openBreakers: new Map(),
    dependencies: new Set(),
  };
}

function noneOfEach(): Record<FailurePolicy["answer"], number> {
  return Object.fromEntries(POLICY_ANSWERS.map((answer) => [answer, 0])) as Record<FailurePolicy["answer"], number>;
}

/** Upper bounds of the buckets of a round trip on a network, milliseconds; what took longer is in one more. */
export const ROUND_TRIP_BOUNDS_MS = [
  0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
] as const;

/** How long things took, as plain numbers that only grow: to observe is two additions and a short search. */
export class DurationHistogram {
  /** Upper bounds of all buckets but the last, milliseconds, ascending. */
  readonly boundsMs: readonly number[];
  readonly #counts: Float64Array;
  #sumMs = 0;

  constructor(boundsMs: readonly number[] = ROUND_TRIP_BOUNDS_MS) {
    this.boundsMs = boundsMs;
    this.#counts = new Float64Array(boundsMs.length + 1);
  }

  /** @param times how many took so long */
  observe(ms: number, times = 1): void {
    let bucket = 0;
    while (bucket < this.boundsMs.length && ms > (this.boundsMs[bucket] as number)) bucket++;
    (this.#counts[bucket] as number) += times;
    this.#sumMs += ms * times;
  }

  /** For each bucket how many, not cumulated; one more than there are bounds. */
  get counts(): readonly number[] {
    return Array.from(this.#counts);
  }

  get sumMs(): number {
    return this.#sumMs;
  }
}

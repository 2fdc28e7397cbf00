import { MemoryCache } from "../../src/adapters/cache/memory/memory-cache.js";
import type { CallContext } from "../../src/application/answer.js";
import { AssumeAnswers } from "../../src/application/check/assume-answers.js";
import { CheckEntitlement } from "../../src/application/check/check-entitlement.js";
import { ExplainDecision } from "../../src/application/check/explain-decision.js";
import { ListEntitlements } from "../../src/application/check/list-entitlements.js";
import { FindState } from "../../src/application/load/find-state.js";
import { LoadState } from "../../src/application/load/load-state.js";
import { FollowUpdates, ReloadEntitlements } from "../../src/application/refresh/follow-updates.js";
import { RefreshInBackground } from "../../src/application/refresh/refresh-in-background.js";
import { ReportUsage } from "../../src/application/report/report-usage.js";
import { UsageOverlay } from "../../src/application/report/usage-overlay.js";
import type { CustomerState } from "../../src/domain/customer-state.js";
import type { FailurePolicy } from "../../src/domain/decision/failure-policy.js";
import type { FallbackValues } from "../../src/domain/decision/fallback.js";
import { StreamStatus } from "../../src/domain/freshness/freshness.js";
import type { OutboxState } from "../../src/domain/outbox/outbox-state.js";
import type { Subject } from "../../src/domain/subject.js";
import type { CacheStore } from "../../src/ports/cache-store.js";
import type { CrossProcessSingleFlight, SharedHearing } from "../../src/ports/shared-cache.js";
import { newTelemetry } from "../../src/ports/telemetry.js";
import { ControllableUpstream } from "../fakes/controllable-upstream.js";
import { ManualClock } from "../fakes/manual-clock.js";
import { RecordingLogger } from "../fakes/recording-logger.js";

export const BUDGET_MS = 1_000;
export const DEADLINE_MARGIN_MS = 20;
export const FETCH_TIMEOUT_MS = 5_000;
export const RECHECK_AFTER_MS = 30_000;
export const POLL_INTERVAL_MS = 30_000;
export const MAX_STATE_AGE_MS = 600_000;
export const MAX_CONCURRENT_REFRESHES = 2;

export const NO_HURRY: CallContext = { deadlineAt: undefined, signal: undefined };

interface CoreParts {
  readonly store?: (memory: MemoryCache) => CacheStore;
  readonly fallbacks?: Readonly<Record<string, FallbackValues>>;
  /** Whether updates arrive from the start. */
  readonly isConnected?: boolean;
  readonly maxRefreshed?: number;
  readonly singleFlight?: CrossProcessSingleFlight;
  readonly alsoCacheCustomer?: boolean;
  readonly policies?: Readonly<Record<string, FailurePolicy>> | undefined;
  /** What was accepted and is not in upstream's usage yet. */
  readonly accepted?: OutboxState | undefined;
  /** Who is told what is heard, on behalf of others. */
  readonly hearing?: SharedHearing | undefined;
}

/** The use cases wired to each other and to the real memory cache, with an upstream and a time that the test controls. */
export function buildCore({
  store = (memory) => memory,
  fallbacks = {},
  isConnected = true,
  maxRefreshed = 100,
  singleFlight,
  alsoCacheCustomer = false,
  policies,
  accepted,
  hearing,
}: CoreParts = {}) {
  const clock = new ManualClock();
  const upstream = new ControllableUpstream();
  const logger = new RecordingLogger();
  const telemetry = newTelemetry();
  const cache = store(new MemoryCache(100_000_000, telemetry));
  const stream = new StreamStatus(POLL_INTERVAL_MS, MAX_STATE_AGE_MS);
  if (isConnected) stream.connected();
  const load = new LoadState(cache, upstream, clock, {
    fetchTimeoutMs: FETCH_TIMEOUT_MS,
    recheckAfterMs: RECHECK_AFTER_MS,
    singleFlight,
  });
  const refresh = new RefreshInBackground(load, logger, MAX_CONCURRENT_REFRESHES);
  const states = new FindState(cache, load, refresh, stream, telemetry, clock, logger, {
    budgetMs: BUDGET_MS,
    deadlineMarginMs: DEADLINE_MARGIN_MS,
    alsoCacheCustomer,
  });
  const all = new Map(Object.entries(fallbacks));
  const configured = { fallbackOf: (featureId: string) => all.get(featureId), all: () => all };
  const assume = policies && new AssumeAnswers({ policyOf: (id) => policies[id] }, configured, telemetry, clock);
  const overlay = accepted && new UsageOverlay(accepted);
  return {
    clock,
    upstream,
    logger,
    telemetry,
    cache,
    stream,
    load,
    refresh,
    states,
    check: new CheckEntitlement(states, configured, clock, { assume, overlay }),
    explain: new ExplainDecision({ cache, states, stream, fallbacks: configured, clock, assume, overlay }),
    list: new ListEntitlements(states, configured, clock, overlay),
    reload: new ReloadEntitlements(load),
    reportUsage: new ReportUsage(upstream, cache, load, clock, logger),
    updates: new FollowUpdates(cache, load, refresh, stream, clock, logger, maxRefreshed, hearing),
  };
}

export type Core = ReturnType<typeof buildCore>;

/** Has the core know a state as if it had just been fetched. */
export async function know({ load, upstream }: Core, subject: Subject, state: CustomerState): Promise<void> {
  const index = upstream.fetches.count;
  const loaded = load.load(subject);
  (await upstream.fetches.at(index)).answer(state);
  await loaded;
}

/** A fetch under way, for the test to answer once something else has happened. */
export async function begunFetch({ load, upstream }: Core, subject: Subject) {
  const index = upstream.fetches.count;
  const result = load.load(subject);
  return { result, fetch: await upstream.fetches.at(index) };
}

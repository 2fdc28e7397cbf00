import type { ResolutionContext } from "inversify";
import { BorrowingCache } from "../../adapters/cache/memory/borrowing-cache.js";
import { MemoryCache } from "../../adapters/cache/memory/memory-cache.js";
import { checkFaultRule, FaultBoard, type HttpRule } from "../../adapters/emulator/faults/fault-rules.js";
import { drillRoutes, type OpenDrillWorld } from "../../adapters/ops/drill-routes.js";
import type { OpsRoute } from "../../adapters/ops/ops-server.js";
import { forOperators } from "../../adapters/ops/private-access.js";
import { CheckEntitlement } from "../../application/check/check-entitlement.js";
import { DrillChecks, type DrillWorld } from "../../application/drill/drill-checks.js";
import { UnwrittenStore } from "../../application/drill/unwritten-store.js";
import { FindState } from "../../application/load/find-state.js";
import { LoadState } from "../../application/load/load-state.js";
import { RefreshInBackground } from "../../application/refresh/refresh-in-background.js";
import type { DrillTarget } from "../../domain/drill/drill.js";
import { CodedError } from "../../domain/errors.js";
import { StreamStatus } from "../../domain/freshness/freshness.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { Logger } from "../../ports/logger.js";
import { newTelemetry } from "../../ports/telemetry.js";
import type { HttpFault, StruckRequest, UpstreamClient } from "../../ports/upstream-client.js";
import type { Provide } from "../process/provide.js";
import type { Services } from "../source/source.js";
import type { Foundations } from "./foundations.js";
import { TOKENS } from "./tokens.js";

/** Drills, where they are enabled: else nothing of them is there. */
export function provideDrills(provide: Provide, foundations: Foundations, times: WorldTimes): void {
  const { config, logger, clock, opsToken = () => config.opsToken } = foundations;
  provide(TOKENS.drillChecks, (made) =>
    config.drillsEnabled
      ? new DrillChecks({
          plain: made.get(TOKENS.checkEntitlement),
          cache: made.get(TOKENS.cache),
          overlay: made.get(TOKENS.overlay),
          fallbacks: made.get(TOKENS.fallbacks),
          clock,
          logger,
        })
      : undefined,
  );
  provide(TOKENS.drillOps, (made) => {
    const checks = made.get(TOKENS.drillChecks);
    if (checks === undefined) return undefined;
    const { routes, actions } = drillRoutes(checks, openIn(made, foundations, times));
    const guarded = (of: ReadonlyMap<string, OpsRoute>) =>
      new Map([...of].map(([path, route]) => [path, forOperators(route, opsToken)]));
    return { routes: guarded(routes), actions: guarded(actions) };
  });
}

function openIn(made: ResolutionContext, foundations: Foundations, times: WorldTimes): OpenDrillWorld {
  return (target, faults) => drillWorld(made, foundations, { target, rules: faults.map(httpRule) }, times);
}

function httpRule(text: string): HttpRule {
  const checked = checkFaultRule(text);
  if ("wrong" in checked) throw new CodedError("invalid-argument", checked.wrong);
  const { rule } = checked;
  if (rule.target === "edge" || rule.target === "api") return rule;
  throw new CodedError(
    "invalid-argument",
    `a fault of ${rule.target} cannot strike in a drill: take one of edge or api`,
  );
}

/** What the times and bounds of a world are: those of the service. */
interface WorldTimes {
  readonly fetchTimeoutMs: number;
  readonly recheckAfterMs: number;
  readonly deadlineMarginMs: number;
  readonly maxConcurrentRefreshes: number;
  readonly pollIntervalMs: number;
}

export interface DrillFaults {
  readonly target: DrillTarget;
  /** Of the emulator's fault board, those of `edge` and `api`; for Redis the kind of the first alone counts. */
  readonly rules: readonly HttpRule[];
}

/** Messages of a world are none of the service's: what fails there, fails on purpose. */
const SILENT: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
};
const APART_SHARE = 1 / 8;

/** What every request suffers in a drill that does not say what. */
const RESET: HttpFault = { kind: "reset", when: "before-effect" };

interface Failing {
  readonly cache: CacheStore;
  readonly upstream: UpstreamClient;
  readonly stream: StreamStatus;
  readonly close: () => void;
}

/**
 * A second service over what the first has cached, with upstream, Redis or the update stream failing for it: it has caches, breakers,
 * connections and counts of its own, so that nothing it goes through reaches the first.
 *
 * @throws CodedError `failed-precondition` where there is nothing that could fail
 */
export function drillWorld(
  made: Pick<ResolutionContext, "get">,
  foundations: Foundations,
  faults: DrillFaults,
  times: WorldTimes,
): DrillWorld {
  const { config, clock } = foundations;
  const services: Services = { clock, logger: SILENT, telemetry: newTelemetry() };
  const { cache, upstream, stream, close } = failing(made, foundations, faults, services, times);
  const load = new LoadState(cache, upstream, clock, times);
  const refresh = new RefreshInBackground(load, SILENT, times.maxConcurrentRefreshes);
  const find = new FindState(cache, load, refresh, stream, services.telemetry, clock, SILENT, {
    budgetMs: config.entitlementsTimeoutMs,
    deadlineMarginMs: times.deadlineMarginMs,
  });
  return {
    checks: new CheckEntitlement(find, made.get(TOKENS.fallbacks), clock, {
      assume: made.get(TOKENS.assume)?.beside(services.telemetry),
      overlay: made.get(TOKENS.overlay),
    }),
    close,
  };
}

function failing(
  made: Pick<ResolutionContext, "get">,
  { config, source, cache, clock }: Foundations,
  { target, rules }: DrillFaults,
  services: Services,
  { pollIntervalMs }: WorldTimes,
): Failing {
  const real = made.get(TOKENS.cache);
  const stream = made.get(TOKENS.streamStatus);
  const healthy = () => source.apart?.(services, () => undefined) ?? { client: source.upstream, close: nothing };
  switch (target) {
    case "upstream": {
      if (source.apart === undefined)
        throw new CodedError("failed-precondition", `there is no upstream that could fail: ${source.description}`);
      const board = boardOf(rules);
      const { client, close } = source.apart(services, (asked, operation) => struckBy(board, asked, operation));
      return {
        cache: new UnwrittenStore(real),
        upstream: client,
        stream,
        close: () => {
          board.clear();
          close();
        },
      };
    }
    case "redis": {
      if (cache === undefined)
        throw new CodedError(
          "failed-precondition",
          "there is no Redis that could fail: REDIS_ENVIRONMENT_PREFIX is not set",
        );
      const lost = cache.withoutRedis(services, rules[0]?.kind === "hang" ? "hang" : "reset");
      const { client, close } = healthy();
      return {
        cache: lost.store,
        upstream: client,
        stream,
        close: () => {
          lost.close();
          close();
        },
      };
    }
    case "stream": {
      const near = cache?.near ?? real;
      if (!(near instanceof MemoryCache) || !stream.isConnected)
        throw new CodedError("failed-precondition", "there is no update stream that could fail: none is connected");
      const { client, close } = healthy();
      const lost = new StreamStatus(pollIntervalMs, config.maxStateAgeMs);
      lost.connected();
      lost.disconnected(clock.now());
      const { telemetry } = services;
      const maxBytes = Math.max(1, config.cacheMaxSizeBytes * APART_SHARE);
      return {
        cache: new BorrowingCache({ from: near, keepsVerified: true, maxBytes, telemetry }),
        upstream: client,
        stream: lost,
        close,
      };
    }
  }
}

function boardOf(rules: readonly HttpRule[]): FaultBoard {
  const board = new FaultBoard();
  const all: readonly HttpRule[] =
    rules.length > 0 ? rules : (["edge", "api"] as const).map((target) => ({ target, ...RESET }));
  for (const rule of all) board.inject(rule);
  return board;
}

function struckBy(board: FaultBoard, target: "edge" | "api", operation: string): StruckRequest | undefined {
  const struck = board[target].strike((rule) => rule.operation === undefined || rule.operation === operation);
  return struck && { fault: struck.rule, off: struck.off };
}

function nothing(): void {
  // What is the service's own is not closed.
}

import { MemoryCache } from "../../../src/adapters/cache/memory/memory-cache.js";
import { SystemClock } from "../../../src/adapters/ops/system-clock.js";
import type { ListenerLimits } from "../../../src/adapters/rpc/listener/listener-limits.js";
import { MultiProtocolListener } from "../../../src/adapters/rpc/listener/multi-protocol-listener.js";
import { createRpcHandler, type RpcHandlerOptions } from "../../../src/adapters/rpc/rpc-handler.js";
import { CheckEntitlement } from "../../../src/application/check/check-entitlement.js";
import { ListEntitlements } from "../../../src/application/check/list-entitlements.js";
import { FindState } from "../../../src/application/load/find-state.js";
import { LoadState } from "../../../src/application/load/load-state.js";
import { Readiness } from "../../../src/application/readiness.js";
import { ReloadEntitlements } from "../../../src/application/refresh/follow-updates.js";
import { RefreshInBackground } from "../../../src/application/refresh/refresh-in-background.js";
import { ReportEvents, ReportUsage } from "../../../src/application/report/report-usage.js";
import { StreamStatus } from "../../../src/domain/freshness/freshness.js";
import type { Clock } from "../../../src/ports/clock.js";
import { newTelemetry } from "../../../src/ports/telemetry.js";
import type { UpstreamClient } from "../../../src/ports/upstream-client.js";
import { InMemoryUpstream } from "../../fakes/in-memory-upstream.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";
import { FALLBACKS, populate } from "./customers.js";

export interface RpcServer {
  readonly port: number;
  readonly url: string;
  readonly logger: RecordingLogger;
  readonly readiness: Readiness;
  /** Ends the streams that clients keep open, as the process does before it drains. */
  shutDown(): void;
  stop(graceMs?: number): Promise<void>;
  /** How many are open. */
  connections(): number;
  /** Calls that wait for their answers. */
  callsInFlight(): number;
}

export interface RpcServerOptions {
  readonly upstream?: UpstreamClient;
  readonly clock?: Clock;
  readonly maxMessageBytes?: number;
  readonly budgetMs?: number;
  readonly limits?: Partial<ListenerLimits>;
  readonly isReady?: boolean;
  /** Whether small unary calls take the fast path, as they do in the service; else Connect answers them too. */
  readonly hasFastPath?: boolean;
  /** Stands before the real one. */
  readonly check?: (real: CheckEntitlement) => Pick<CheckEntitlement, "feature" | "credit">;
  /** Rules of access, observers and bounds. */
  readonly rpc?: Partial<RpcHandlerOptions>;
}

/** The real handlers on the real port over the real use cases and cache; upstream alone is in this process. */
export async function startRpcServer(options: RpcServerOptions = {}): Promise<RpcServer> {
  const {
    upstream = populate(new InMemoryUpstream()),
    clock = new SystemClock(),
    budgetMs = 1_000,
    isReady = true,
    hasFastPath = true,
  } = options;
  const logger = new RecordingLogger();
  const telemetry = newTelemetry();
  const cache = new MemoryCache(10_000_000, telemetry);
  const stream = new StreamStatus(30_000);
  stream.connected();
  const load = new LoadState(cache, upstream, clock, { fetchTimeoutMs: 60_000, recheckAfterMs: 30_000 });
  const refresh = new RefreshInBackground(load, logger, 2);
  const states = new FindState(cache, load, refresh, stream, telemetry, clock, logger, {
    budgetMs,
    deadlineMarginMs: 20,
  });
  const fallbacks = { fallbackOf: (featureId: string) => FALLBACKS.get(featureId), all: () => FALLBACKS };
  const check = new CheckEntitlement(states, fallbacks, clock);
  const readiness = new Readiness();
  const shutdown = new AbortController();
  const { fastPath, ...handler } = createRpcHandler(
    {
      check: options.check?.(check) ?? check,
      list: new ListEntitlements(states, fallbacks, clock),
      reload: new ReloadEntitlements(load),
      reportUsage: new ReportUsage(upstream, cache, load, clock, logger),
      reportEvents: new ReportEvents(upstream, clock),
    },
    readiness,
    { clock, logger, shutdownSignal: shutdown.signal, maxMessageBytes: options.maxMessageBytes, ...options.rpc },
  );
  const listener = new MultiProtocolListener({
    ...handler,
    fastPath: hasFastPath ? fastPath : undefined,
    limits: options.limits,
    logger,
  });
  const telemetryOfCalls = handler.telemetry(() => listener.connections());
  const { port } = await listener.listen(0, "127.0.0.1");
  if (isReady) readiness.ready();
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    logger,
    readiness,
    shutDown: () => shutdown.abort(),
    stop: (graceMs = 0) => {
      shutdown.abort();
      return listener.drain(graceMs);
    },
    connections: () => listener.connections(),
    callsInFlight: () => telemetryOfCalls.inFlight(),
  };
}

import { MemoryCache } from "../../src/adapters/cache/memory/memory-cache.js";
import { encodeState } from "../../src/adapters/cache/redis/codec/encode-state.js";
import { RedisSingleFlight } from "../../src/adapters/cache/redis/leases/redis-single-flight.js";
import { RedisCacheStore } from "../../src/adapters/cache/redis/store/redis-cache-store.js";
import { trackedPrefixes } from "../../src/adapters/cache/redis/store/redis-keys.js";
import { openRedis } from "../../src/adapters/cache/redis-client/open-redis.js";
import { ConfiguredFallbackProvider } from "../../src/adapters/fallback/configured-fallbacks.js";
import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import { createVendorUpstream } from "../../src/adapters/upstream/create-vendor-upstream.js";
import { CheckEntitlement } from "../../src/application/check/check-entitlement.js";
import { FindState } from "../../src/application/load/find-state.js";
import { LoadState } from "../../src/application/load/load-state.js";
import { RefreshInBackground } from "../../src/application/refresh/refresh-in-background.js";
import { buildCustomerState, type FeatureEntitlementInput } from "../../src/domain/build-customer-state.js";
import type { CustomerState } from "../../src/domain/customer-state.js";
import { StreamStatus } from "../../src/domain/freshness/freshness.js";
import type { CacheStore } from "../../src/ports/cache-store.js";
import { newTelemetry } from "../../src/ports/telemetry.js";
import { RecordingLogger } from "../../test/fakes/recording-logger.js";

export const METERED = 8;
const ENTITLEMENTS = 20;
const PLANS = 5;
const BUDGET_MS = 1_000;

/** Twenty entitlements of one of five plans, eight of them metered by the month: what a customer of a grown product has. */
export function missedState(customer: number): CustomerState {
  const now = Date.UTC(2026, 0, 1) + customer * 1_000;
  const month = { periodAnchor: now - 5e8, periodStart: now - 5e8, periodEnd: now + 2e9 };
  const features = Array.from({ length: ENTITLEMENTS }, (_, index): FeatureEntitlementInput => {
    if (index >= METERED)
      return {
        feature: { id: `b${index}`, displayName: `Feature ${index}`, featureType: "BOOLEAN", meterType: "None" },
      };
    return {
      feature: {
        id: `m${index}`,
        displayName: `Meter ${index}`,
        featureType: "NUMBER",
        meterType: "Fluctuating",
        units: "unit",
        unitsPlural: "units",
      },
      usageLimit: 100 * (1 + (customer % PLANS)),
      resetPeriod: "MONTH",
      usage: { currentUsage: (customer * 7 + index) % 100, ...month, updatedAt: now - 60_000 },
    };
  });
  return buildCustomerState({ features, updatedAt: now - 60_000 });
}

export interface MissWorld {
  readonly check: CheckEntitlement;
  readonly answers: Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export interface WorldParts {
  readonly redisPort?: number | undefined;
  readonly upstreamPort: number;
}

const ENVIRONMENT = "misses";

/** What of a sidecar a miss passes, but for its port. */
export async function missWorld({ redisPort, upstreamPort }: WorldParts): Promise<MissWorld> {
  const clock = new SystemClock();
  const logger = new RecordingLogger();
  const telemetry = newTelemetry();
  const near = new MemoryCache(1024 * 1024 * 1024, telemetry);
  const upstream = createVendorUpstream(
    {
      identity: {
        apiKey: "any",
        source: "SIDECAR",
        instanceId: "00000000-0000-4000-8000-000000000000",
        startedAt: Date.now(),
      },
      apiUrl: `http://127.0.0.1:${upstreamPort}`,
      edgeApiUrl: `http://127.0.0.1:${upstreamPort}`,
      checkBudgetMs: BUDGET_MS,
    },
    { clock, logger, telemetry },
  );
  let cache: CacheStore = near;
  let singleFlight: RedisSingleFlight | undefined;
  let end = (): Promise<void> => Promise.resolve();
  if (redisPort !== undefined) {
    const connection = openRedis(
      {
        target: { kind: "server", host: "127.0.0.1", port: redisPort, db: 0 },
        keysTtlSecs: 3600,
        commandTimeoutMs: BUDGET_MS / 4,
      },
      { clock, logger, telemetry },
    );
    const store = new RedisCacheStore({
      near,
      commands: connection.commands,
      environment: ENVIRONMENT,
      clock,
      logger,
      commandTimeoutMs: BUDGET_MS / 4,
      ttlMs: 3_600_000,
    });
    const invalidations = connection.invalidations(...trackedPrefixes(ENVIRONMENT));
    const coherent = new Promise<void>((resolve) => store.coherence.onCoherent(resolve));
    invalidations.start(store.coherence);
    await coherent;
    singleFlight = new RedisSingleFlight({
      commands: connection.commands,
      coherence: store.coherence,
      environment: ENVIRONMENT,
      clock,
      waitMs: BUDGET_MS / 3,
    });
    cache = store;
    end = async () => {
      await invalidations.stop();
      store.stop();
      connection.close();
    };
  }
  const load = new LoadState(cache, upstream, clock, {
    fetchTimeoutMs: 5 * BUDGET_MS,
    recheckAfterMs: 30_000,
    singleFlight,
  });
  const stream = new StreamStatus(Infinity, Infinity);
  const refresh = new RefreshInBackground(load, logger, 8);
  const find = new FindState(cache, load, refresh, stream, telemetry, clock, logger, {
    budgetMs: BUDGET_MS,
    deadlineMarginMs: 20,
    alsoCacheCustomer: redisPort !== undefined,
  });
  return {
    check: new CheckEntitlement(find, new ConfiguredFallbackProvider(new Map()), clock),
    answers: telemetry.answers,
    close: async () => {
      await end();
      upstream.close();
    },
  };
}

/** Writes what a sidecar would have written, as fast as that goes. */
export async function fillRedis(port: number, customers: number): Promise<void> {
  const telemetry = newTelemetry();
  const connection = openRedis(
    { target: { kind: "server", host: "127.0.0.1", port, db: 0 }, keysTtlSecs: 3600, commandTimeoutMs: 60_000 },
    { clock: new SystemClock(), logger: new RecordingLogger(), telemetry },
  );
  const now = Date.now();
  for (let from = 0; from < customers; from += 100) {
    const groups = Array.from({ length: Math.min(100, customers - from) }, (_, index) => {
      const customer = from + index;
      return encodeState(ENVIRONMENT, { customerId: `customer-${customer}` }, missedState(customer), {
        verifiedAt: now,
        recheckAt: Infinity,
        isVerified: true,
      });
    });
    await connection.commands.writeNewest(groups);
  }
  connection.close();
}

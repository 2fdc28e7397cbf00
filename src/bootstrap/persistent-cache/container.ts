import { randomUUID } from "node:crypto";
import type { Container, ResolutionContext } from "inversify";
import { RedisSharedCache } from "../../adapters/cache/redis/store/redis-shared-cache.js";
import type { RedisConnection } from "../../adapters/cache/redis-client/open-redis.js";
import {
  CONSUMPTION_METRICS,
  ConsumptionCounts,
  type ConsumptionSources,
  LastStatistics,
} from "../../adapters/ops/metrics/consumption-metrics.js";
import { Metrics } from "../../adapters/ops/metrics/metrics.js";
import { OpsServer } from "../../adapters/ops/ops-server.js";
import { dependencySection, ServiceStatus, statusRoute } from "../../adapters/ops/service-status.js";
import { SqsChangeQueue } from "../../adapters/queue/sqs-change-queue.js";
import { createEdgeUpstream, type EdgeUpstream } from "../../adapters/upstream/create-edge-upstream.js";
import { ConsumeChanges } from "../../application/consume/consume-changes.js";
import { ProcessChanges } from "../../application/consume/process-changes.js";
import { RefetchSubjects } from "../../application/consume/refetch-subjects.js";
import { RefetchAfterRollback, RefreshAllStates } from "../../application/consume/refresh-all-states.js";
import { WriteAvailability } from "../../application/consume/write-availability.js";
import { WriteInOrder } from "../../application/consume/write-in-order.js";
import type { Tracer } from "../../ports/tracer.js";
import { FaultLog } from "../../wire/fault-log.js";
import { connectToRedis } from "../cache/redis-connection.js";
import type { SettingInForce } from "../config/read-settings.js";
import { packageVersion } from "../package-version.js";
import { newContainer, token } from "../process/provide.js";
import { configurationSection, keySection } from "../sidecar/sidecar-status.js";
import type { Services } from "../source/source.js";
import type { PersistentCacheConfig, Tuning } from "./settings.js";

/** How this client names itself to upstream. */
const CLIENT_KIND = "PERSISTENT_CACHE_SERVICE";
/** A fetch beside those that are swept must always find room. */
const SWEPT_SHARE = 2;
/** By how much a poll may be late before it is broken off at the end, milliseconds. */
const POLL_MARGIN_MS = 2_000;

/** What has to be there before anything else can be made. */
export interface PersistentCacheFoundations extends Services {
  readonly config: PersistentCacheConfig;
  /** Whether the environment names an endpoint of its own for the queue. */
  readonly hasOwnEndpoint: boolean;
  readonly tuning: Tuning;
  /** The configuration as whoever runs the service may see it. */
  readonly inForce?: readonly SettingInForce[] | undefined;
  /** Takes secrets out of what other systems said. */
  readonly redact?: ((text: string) => string) | undefined;
  /** Where messages are traced; not given: nowhere. */
  readonly tracer?: Tracer | undefined;
}

/** What it asks upstream with. The key may be another while the service runs. */
interface Identity {
  apiKey: string;
  readonly source: string;
  readonly instanceId: string;
  readonly startedAt: number;
}

export const TOKENS = {
  identity: token<Identity>("identity"),
  redis: token<RedisConnection>("redis"),
  cache: token<RedisSharedCache>("cache"),
  queue: token<SqsChangeQueue>("queue"),
  upstream: token<EdgeUpstream>("upstream"),
  counts: token<ConsumptionCounts>("counts"),
  gate: token<WriteAvailability>("gate"),
  writer: token<WriteInOrder>("writer"),
  refetch: token<RefetchSubjects>("refetch"),
  sweep: token<RefreshAllStates>("sweep"),
  rollback: token<RefetchAfterRollback>("rollback"),
  changes: token<ProcessChanges>("changes"),
  consume: token<ConsumeChanges>("consume"),
  status: token<ServiceStatus>("status"),
  metrics: token<Metrics<ConsumptionSources>>("metrics"),
  opsServer: token<OpsServer>("opsServer"),
} as const;

/** Composition root of the persistent-cache service: binds everything that it consists of. */
export function buildContainer(foundations: PersistentCacheFoundations): Container {
  const { config, clock, logger, tuning } = foundations;
  const { container, provide } = newContainer();
  provide(TOKENS.redis, () =>
    connectToRedis(config, { keysTtlSecs: config.keysTtlSecs, commandTimeoutMs: tuning.redisTimeoutMs }, foundations),
  );
  provide(
    TOKENS.cache,
    (made) => new RedisSharedCache(made.get(TOKENS.redis).commands, config.environmentPrefix, clock),
  );
  provide(TOKENS.queue, () => changeQueue(foundations));
  provide(TOKENS.identity, () => ({
    apiKey: config.serverApiKey,
    source: CLIENT_KIND,
    instanceId: randomUUID(),
    startedAt: clock.now(),
  }));
  provide(TOKENS.upstream, (made) =>
    createEdgeUpstream({ identity: made.get(TOKENS.identity), edgeApiUrl: config.edgeApiUrl }, foundations),
  );
  provide(TOKENS.counts, () => new ConsumptionCounts());
  provide(
    TOKENS.gate,
    (made) => new WriteAvailability(made.get(TOKENS.cache), clock, logger, made.get(TOKENS.counts), tuning),
  );
  provide(
    TOKENS.writer,
    (made) =>
      new WriteInOrder(made.get(TOKENS.cache), made.get(TOKENS.gate), made.get(TOKENS.counts), tuning.maxWrites),
  );
  provide(
    TOKENS.refetch,
    (made) =>
      new RefetchSubjects(
        {
          upstream: made.get(TOKENS.upstream),
          cache: made.get(TOKENS.cache),
          writer: made.get(TOKENS.writer),
          gate: made.get(TOKENS.gate),
          telemetry: made.get(TOKENS.counts),
          clock,
          logger,
        },
        { ...tuning, maxConcurrent: tuning.maxConcurrentFetches },
      ),
  );
  provide(
    TOKENS.sweep,
    (made) =>
      new RefreshAllStates(made.get(TOKENS.cache), made.get(TOKENS.refetch), clock, logger, {
        perSecond: tuning.sweptPerSecond,
        maxConcurrent: Math.ceil(tuning.maxConcurrentFetches / SWEPT_SHARE),
      }),
  );
  provide(
    TOKENS.rollback,
    (made) =>
      new RefetchAfterRollback({ gate: made.get(TOKENS.gate), sweep: made.get(TOKENS.sweep), clock, logger }, tuning),
  );
  provide(
    TOKENS.changes,
    (made) =>
      new ProcessChanges(
        {
          queue: made.get(TOKENS.queue),
          writer: made.get(TOKENS.writer),
          refetch: made.get(TOKENS.refetch),
          sweep: made.get(TOKENS.sweep),
          gate: made.get(TOKENS.gate),
          clock,
          telemetry: made.get(TOKENS.counts),
          logger,
          tracer: foundations.tracer,
        },
        { ...tuning, onlyIfCached: config.updatePolicy === "UPDATE_IF_EXISTS" },
      ),
  );
  provide(
    TOKENS.consume,
    (made) =>
      new ConsumeChanges(
        {
          queue: made.get(TOKENS.queue),
          gate: made.get(TOKENS.gate),
          changes: made.get(TOKENS.changes),
          clock,
          logger,
        },
        { ...tuning, lastPollMs: tuning.pollSeconds * 1_000 + POLL_MARGIN_MS },
      ),
  );
  provide(TOKENS.status, (made) => serviceStatus(made, foundations));
  provide(TOKENS.metrics, (made) => metricsOf(made, foundations));
  provide(TOKENS.opsServer, (made) => opsServer(made, foundations));
  return container;
}

function changeQueue({
  config,
  clock,
  logger,
  telemetry,
  hasOwnEndpoint,
  tuning,
  tracer,
}: PersistentCacheFoundations): SqsChangeQueue {
  const { awsRegion, queueUrl, batchSize } = config;
  const faults = new FaultLog(logger, telemetry);
  return new SqsChangeQueue(
    {
      region: awsRegion,
      queueUrl,
      pollSeconds: tuning.pollSeconds,
      hasOwnEndpoint,
      batchSize,
      isTraced: tracer !== undefined,
    },
    (fault) => faults.add("a message of the queue", fault),
    clock,
    logger,
  );
}

function serviceStatus(
  made: ResolutionContext,
  { telemetry, inForce = [], redact }: PersistentCacheFoundations,
): ServiceStatus {
  const identity = made.get(TOKENS.identity);
  const [consume, counts, cache] = [made.get(TOKENS.consume), made.get(TOKENS.counts), made.get(TOKENS.cache)];
  return new ServiceStatus({ program: "persistent-cache-service", version: packageVersion(), redact })
    .add({
      name: "consumption",
      read: () => ({
        consumers: consume.consumers,
        processed: counts.processed,
        rejected: counts.rejectedMessages,
        writeErrors: counts.writeErrors,
        refetchFailures: counts.refetchFailures,
        redis: cache.isConnected ? "CONNECTED" : "DISCONNECTED",
      }),
      degraded: () => (consume.consumers > 0 ? [] : ["no messages are received: Redis or the queue is away"]),
    })
    .add(dependencySection(telemetry))
    .add(keySection(() => identity.apiKey, telemetry))
    .add(configurationSection(inForce));
}

function metricsOf(
  made: ResolutionContext,
  { telemetry, logger }: PersistentCacheFoundations,
): Metrics<ConsumptionSources> {
  const [consume, counts, cache] = [made.get(TOKENS.consume), made.get(TOKENS.counts), made.get(TOKENS.cache)];
  const statistics = new LastStatistics(() => cache.statistics(), logger);
  return new Metrics(CONSUMPTION_METRICS, async () => ({
    build: { version: packageVersion() },
    telemetry,
    counts,
    statistics: await statistics.read(),
    consumers: consume.consumers,
    isConnected: cache.isConnected,
  }));
}

function opsServer(made: ResolutionContext, { logger }: PersistentCacheFoundations): OpsServer {
  const [consume, cache] = [made.get(TOKENS.consume), made.get(TOKENS.cache)];
  return new OpsServer({
    livenessPath: "livez",
    readinessPath: "readyz",
    readiness: {
      get isReady() {
        return consume.consumers > 0 && cache.isConnected;
      },
      get details() {
        return { consumers: consume.consumers, redis: cache.isConnected ? "CONNECTED" : "DISCONNECTED" };
      },
    },
    metrics: made.get(TOKENS.metrics),
    routes: new Map([["/status", statusRoute(made.get(TOKENS.status), () => undefined)]]),
    logger,
  });
}

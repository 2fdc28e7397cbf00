import { randomUUID } from "node:crypto";
import { RedisSharedCache } from "../../adapters/cache/redis/store/redis-shared-cache.js";
import { CONSUMPTION_METRICS, ConsumptionCounts } from "../../adapters/ops/metrics/consumption-metrics.js";
import { Metrics } from "../../adapters/ops/metrics/metrics.js";
import { OpsServer } from "../../adapters/ops/ops-server.js";
import { dependencySection, ServiceStatus } from "../../adapters/ops/service-status.js";
import { statusRoute } from "../../adapters/ops/status-route.js";
import { SqsChangeQueue } from "../../adapters/queue/sqs-change-queue.js";
import { createEdgeUpstream, type EdgeUpstream } from "../../adapters/upstream/create-edge-upstream.js";
import { WriteAvailability } from "../../application/consume/write-availability.js";
import { ProcessChanges } from "../../application/consume/process-changes.js";
import { ConsumeChanges } from "../../application/consume/consume-changes.js";
import { elapse } from "../../ports/waits.js";
import { RefetchSubjects } from "../../application/consume/refetch-subjects.js";
import { RefreshAllStates } from "../../application/consume/refresh-all-states.js";
import { WriteInOrder } from "../../application/consume/write-in-order.js";
import { FaultLog } from "../../wire/fault-log.js";
import { connectToRedis, redisSecrets } from "../cache/redis-connection.js";
import type { SettingInForce } from "../config/read-settings.js";
import { listenFault } from "../sidecar/listen-fault.js";
import { packageVersion } from "../package-version.js";
import { configurationSection, keySection } from "../sidecar/sidecar-status.js";
import type { Services } from "../source/source.js";
import type { ReplaceableSecret } from "../process/follow-file-settings.js";
import { StartError } from "../process/start-error.js";
import { LastStatistics } from "./last-statistics.js";
import { PERSISTENT_CACHE_SETTINGS, type PersistentCacheConfig } from "./settings.js";
import { TUNING, type Tuning } from "./tuning.js";

/** How this client names itself to upstream. */
const CLIENT_KIND = "PERSISTENT_CACHE_SERVICE";
/** A fetch beside those that are swept must always find room. */
const SWEPT_SHARE = 2;
/** By how much a poll may be late before it is broken off at the end, milliseconds. */
const POLL_MARGIN_MS = 2_000;
/** How long telling the queue of the last messages may take, milliseconds. */
const CLOSE_MS = 3_000;

export interface PersistentCacheParts extends Services {
  readonly config: PersistentCacheConfig;
  /** Whether the environment names an endpoint of its own for the queue. */
  readonly hasOwnEndpoint: boolean;
  readonly tuning?: Partial<Tuning>;
  /** The configuration as whoever runs the service may see it. */
  readonly inForce?: readonly SettingInForce[];
  /** Takes secrets out of what other systems said. */
  readonly redact?: (text: string) => string;
}

/** Keeps the shared Redis in step with a queue, from its start to its end. Several can live in one process. */
export class PersistentCacheService {
  readonly #parts: PersistentCacheParts;
  readonly #tuning: Tuning;
  readonly #redis: ReturnType<typeof connectToRedis>;
  readonly #queue: SqsChangeQueue;
  readonly #upstream: EdgeUpstream;
  readonly #identity: {
    apiKey: string;
    readonly source: string;
    readonly instanceId: string;
    readonly startedAt: number;
  };
  readonly #gate: WriteAvailability;
  readonly #refetch: RefetchSubjects;
  readonly #sweep: RefreshAllStates;
  readonly #changes: ProcessChanges;
  readonly #consume: ConsumeChanges;
  readonly #opsServer: OpsServer;

  /** Begins to connect to Redis. @throws StartError when the file of authorities cannot be read */
  constructor(parts: PersistentCacheParts) {
    const { config, clock, logger } = parts;
    this.#parts = parts;
    const tuning = (this.#tuning = { ...TUNING, ...parts.tuning });
    this.#redis = connectToRedis(
      config,
      { keysTtlSecs: config.keysTtlSecs, commandTimeoutMs: tuning.redisTimeoutMs },
      parts,
    );
    const cache = new RedisSharedCache(this.#redis.commands, config.environmentPrefix);
    this.#queue = this.#createQueue();
    this.#identity = {
      apiKey: config.serverApiKey,
      source: CLIENT_KIND,
      instanceId: randomUUID(),
      startedAt: clock.now(),
    };
    this.#upstream = createEdgeUpstream(
      {
        identity: this.#identity,
        edgeApiUrl: config.edgeApiUrl,
      },
      parts,
    );
    const counts = new ConsumptionCounts();
    this.#gate = new WriteAvailability(cache, clock, logger, counts, tuning);
    const writer = new WriteInOrder(cache, this.#gate, counts, tuning.maxWrites);
    this.#refetch = new RefetchSubjects(
      { upstream: this.#upstream, cache, writer, telemetry: counts, clock, logger },
      { ...tuning, maxConcurrent: tuning.maxConcurrentFetches },
    );
    this.#sweep = new RefreshAllStates(cache, this.#refetch, clock, logger, {
      perSecond: tuning.sweptPerSecond,
      maxConcurrent: Math.ceil(tuning.maxConcurrentFetches / SWEPT_SHARE),
    });
    const changes = (this.#changes = new ProcessChanges(
      {
        queue: this.#queue,
        writer,
        refetch: this.#refetch,
        sweep: this.#sweep,
        gate: this.#gate,
        clock,
        telemetry: counts,
        logger,
      },
      {
        onlyIfCached: config.updatePolicy === "UPDATE_IF_EXISTS",
        maxWaitingForUpstream: tuning.maxWaitingForUpstream,
        holdMs: tuning.holdMs,
      },
    ));
    const consume = (this.#consume = new ConsumeChanges(
      { queue: this.#queue, gate: this.#gate, changes, clock, logger },
      { ...tuning, lastPollMs: tuning.pollSeconds * 1_000 + POLL_MARGIN_MS },
    ));
    const statistics = new LastStatistics(() => cache.statistics(), logger);
    const metrics = new Metrics(CONSUMPTION_METRICS, async () => ({
      build: { version: packageVersion() },
      telemetry: parts.telemetry,
      counts,
      statistics: await statistics.read(),
      consumers: consume.consumers,
      isConnected: cache.isConnected,
    }));
    this.#opsServer = new OpsServer({
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
      metrics,
      routes: new Map([["/status", statusRoute(this.#statusOf(consume, counts, cache), () => undefined)]]),
      logger,
    });
  }

  /** What is taken into use while it runs. */
  get replaceable(): readonly ReplaceableSecret[] {
    return [
      {
        setting: PERSISTENT_CACHE_SETTINGS.serverApiKey,
        called: "API key",
        replace: (key) => {
          this.#identity.apiKey = key;
          this.#parts.telemetry.apiKeyState = "unknown";
        },
        effect: "requests carry the new one",
      },
      ...redisSecrets((secrets) => this.#redis.useSecrets(secrets)),
    ];
  }

  #statusOf(consume: ConsumeChanges, counts: ConsumptionCounts, cache: RedisSharedCache): ServiceStatus {
    const { telemetry, inForce = [], redact } = this.#parts;
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
      .add(keySection(() => this.#identity.apiKey, telemetry))
      .add(configurationSection(inForce));
  }

  /**
   * Resolves once health is served; messages are consumed as soon as Redis and the queue are there.
   *
   * @throws StartError when the port cannot be had; then nothing is left behind
   */
  async start(): Promise<{ readonly port: number }> {
    try {
      const { port } = await this.#listen();
      this.#gate.start();
      this.#consume.start();
      return { port };
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  /** Takes no more messages, finishes those in hand, within bounds, and gives back what is left. */
  async stop(): Promise<void> {
    const { clock } = this.#parts;
    this.#sweep.stop();
    this.#refetch.stop();
    this.#changes.stop();
    await atMost(this.#tuning.graceMs, this.#consume.stop());
    await atMost(CLOSE_MS, this.#queue.close());
    this.#release();
    await this.#opsServer.close();

    async function atMost(timeMs: number, work: Promise<void>): Promise<void> {
      await Promise.race([work, elapse(timeMs, clock)]);
    }
  }

  async #listen(): Promise<{ readonly port: number }> {
    const { port } = this.#parts.config;
    try {
      return await this.#opsServer.listen(port, undefined);
    } catch (error) {
      throw new StartError(listenFault(error, { port, host: undefined, portName: "PORT" }), { cause: error });
    }
  }

  #createQueue(): SqsChangeQueue {
    const { config, clock, logger, telemetry, hasOwnEndpoint } = this.#parts;
    const { awsRegion, queueUrl, batchSize } = config;
    const faults = new FaultLog(logger, telemetry);
    return new SqsChangeQueue(
      { region: awsRegion, queueUrl, pollSeconds: this.#tuning.pollSeconds, hasOwnEndpoint, batchSize },
      (fault) => faults.add("a message of the queue", fault),
      clock,
      logger,
    );
  }

  #release(): void {
    this.#gate.stop();
    this.#upstream.close();
    this.#redis.close();
  }
}

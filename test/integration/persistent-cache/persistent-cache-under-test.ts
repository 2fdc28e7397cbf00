import { type Emulator, startEmulator } from "../../../src/adapters/emulator/start-emulator.js";
import { SystemClock } from "../../../src/adapters/ops/system-clock.js";
import { SilentUpdateStream } from "../../../src/adapters/stream/silent-update-stream.js";
import { readSettings } from "../../../src/bootstrap/config/read-settings.js";
import { PersistentCacheService } from "../../../src/bootstrap/persistent-cache/persistent-cache-main.js";
import { PERSISTENT_CACHE, type Tuning } from "../../../src/bootstrap/persistent-cache/settings.js";
import { newTelemetry } from "../../../src/ports/telemetry.js";
import { type QueueOptions, type QueueServer, startQueueServer, type TestQueue } from "../../builders/queue-server.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { InMemoryUpstream } from "../../fakes/in-memory-upstream.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";

const API_KEY = "server-key-of-the-tests";
const ENVIRONMENT = "test";

/** A queue server, a Redis and an Edge, all real, and services between them. */
export class PersistentCacheWorld {
  readonly queues: QueueServer;
  readonly redis: RedisServer;
  readonly upstream: InMemoryUpstream;
  readonly edge: Emulator;
  readonly #services: RunningService[] = [];

  private constructor(queues: QueueServer, redis: RedisServer, upstream: InMemoryUpstream, edge: Emulator) {
    this.queues = queues;
    this.redis = redis;
    this.upstream = upstream;
    this.edge = edge;
  }

  static async start(): Promise<PersistentCacheWorld> {
    const upstream = new InMemoryUpstream();
    const [queues, redis, edge] = await Promise.all([
      startQueueServer(),
      startRedis(),
      startEmulator({ upstream, updates: new SilentUpdateStream(), apiKey: API_KEY, port: 0 }),
    ]);
    // Where the library looks for it, as in any program of AWS's.
    for (const [name, value] of Object.entries(queues.environment)) process.env[name] = value;
    return new PersistentCacheWorld(queues, redis, upstream, edge);
  }

  /** What a service's process needs in its environment. */
  environment(queue: TestQueue, settings: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      ...this.queues.environment,
      QUEUE_URL: queue.url,
      SERVER_API_KEY: API_KEY,
      ENVIRONMENT_PREFIX: ENVIRONMENT,
      EDGE_API_URL: this.edge.url,
      REDIS_HOST: this.redis.host,
      REDIS_PORT: String(this.redis.port),
      PORT: "0",
      ...settings,
    };
  }

  /** A service in this process. */
  async service(
    queue: TestQueue,
    settings: Readonly<Record<string, string>> = {},
    tuning: Partial<Tuning> = {},
  ): Promise<RunningService> {
    const { config } = readSettings(PERSISTENT_CACHE, this.environment(queue, settings));
    const logger = new RecordingLogger();
    const service = new PersistentCacheService({
      config,
      logger,
      clock: new SystemClock(),
      telemetry: newTelemetry(),
      hasOwnEndpoint: true,
      tuning: { pollSeconds: 1, firstDelayMs: 20, longestDelayMs: 200, ...tuning },
    });
    const { port } = await service.start();
    const running = new RunningService(service, `http://127.0.0.1:${port}`, logger);
    this.#services.push(running);
    return running;
  }

  queue(options?: QueueOptions): TestQueue {
    return this.queues.createQueue(options);
  }

  /** The value at a key of the tests' environment. */
  async valueAt(key: string): Promise<Record<string, unknown> | undefined> {
    const value = await this.redis.admin.get(`${ENVIRONMENT}:${key}`);
    return value === null ? undefined : (JSON.parse(value) as Record<string, unknown>);
  }

  timestampOf(key: string): Promise<string | null> {
    return this.redis.admin.get(`${ENVIRONMENT}:${key}#timestamp`);
  }

  async limitOf(customerId: string): Promise<number | undefined> {
    const state = (await this.valueAt(`c_${customerId}`)) as
      { seats?: { calculatedEntitlement: { usageLimit: number } } } | undefined;
    return state?.seats?.calculatedEntitlement.usageLimit;
  }

  async usageOf(customerId: string): Promise<number | undefined> {
    const usage = (await this.valueAt(`c_${customerId}:f_seats`)) as { currentUsage: number } | undefined;
    return usage?.currentUsage;
  }

  /** Everything in Redis, but for the time of the last write. */
  async everything(): Promise<Record<string, string | null>> {
    const keys = (await this.redis.admin.keys("*")).filter((key) => !key.includes(":sidecar:confirmed")).sort();
    const values = keys.length === 0 ? [] : await this.redis.admin.mget(keys);
    return Object.fromEntries(keys.map((key, index) => [key, values[index] ?? null]));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.stop()));
    await Promise.all([this.queues.stop(), this.redis.stop(), this.edge.stop()]);
  }
}

export class RunningService {
  readonly url: string;
  readonly logger: RecordingLogger;
  readonly #service: PersistentCacheService;
  #stopped: Promise<void> | undefined;

  constructor(service: PersistentCacheService, url: string, logger: RecordingLogger) {
    this.#service = service;
    this.url = url;
    this.logger = logger;
  }

  async readiness(): Promise<{ readonly status: number; readonly body: unknown }> {
    const response = await fetch(`${this.url}/readyz`);
    return { status: response.status, body: await response.json() };
  }

  /** The value of a metric without labels. */
  async metric(name: string): Promise<number | undefined> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const value = new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1];
    return value === undefined ? undefined : Number(value);
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#service.stop());
  }
}

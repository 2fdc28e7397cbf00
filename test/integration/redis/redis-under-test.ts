import type { InvalidationListener } from "../../../src/adapters/cache/redis/coherence/coherence.js";
import type { RedisTarget } from "../../../src/adapters/cache/redis-client/link/redis-target.js";
import type { LinkTiming } from "../../../src/adapters/cache/redis-client/link/session.js";
import {
  openRedis,
  type RedisConnection,
  type RedisConnectionOptions,
} from "../../../src/adapters/cache/redis-client/open-redis.js";
import { SystemClock } from "../../../src/adapters/ops/system-clock.js";
import { newTelemetry, type Telemetry } from "../../../src/ports/telemetry.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";

export interface RedisUnderTest extends RedisConnection {
  readonly logger: RecordingLogger;
  readonly telemetry: Telemetry;
  /** Resolves once commands are taken. */
  connected(): Promise<void>;
  /** Resolves once commands are refused. */
  disconnected(): Promise<void>;
}

/** Long enough for a machine that is busy with other tests; what is to take longer says so. */
const COMMAND_TIMEOUT_MS = 5_000;

export function redisUnderTest(
  target: RedisTarget | { readonly host: string; readonly port: number },
  options: Partial<RedisConnectionOptions> = {},
  timing: Partial<LinkTiming> = {},
): RedisUnderTest {
  const logger = new RecordingLogger();
  const telemetry = newTelemetry();
  const connection = openRedis(
    {
      target: "kind" in target ? target : { kind: "server", db: 0, host: target.host, port: target.port },
      keysTtlSecs: 60,
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      ...options,
    },
    { clock: new SystemClock(), logger, telemetry, timing: { longestDelayMs: 50, ...timing } },
  );
  const untilConnectedIs = (wanted: boolean) =>
    new Promise<void>((resolve) => {
      if (connection.commands.isConnected === wanted) resolve();
      else {
        const stop = connection.commands.onConnectionChange((isConnected) => {
          if (isConnected !== wanted) return;
          stop();
          resolve();
        });
      }
    });
  return {
    ...connection,
    logger,
    telemetry,
    connected: () => untilConnectedIs(true),
    disconnected: () => untilConnectedIs(false),
  };
}

/** Keeps the notices of writes, in order. */
export class RecordingInvalidations implements InvalidationListener {
  readonly received: string[] = [];
  #waiting: (() => void)[] = [];

  coherent(): void {
    this.#tell("coherent");
  }

  invalidated(key: string): void {
    this.#tell(key);
  }

  invalidatedAll(): void {
    this.#tell("all");
  }

  incoherent(): void {
    this.#tell("incoherent");
  }

  count(what: string): number {
    return this.received.filter((received) => received === what).length;
  }

  async until(what: string, times = 1): Promise<void> {
    while (this.count(what) < times) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #tell(what: string): void {
    this.received.push(what);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

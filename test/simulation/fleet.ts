import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import type { CheckEntitlement } from "../../src/application/check/check-entitlement.js";
import type { UsageReporting } from "../../src/application/report/report-usage.js";
import { redisCacheLayer } from "../../src/bootstrap/cache/redis-cache-layer.js";
import type { Config } from "../../src/bootstrap/config/settings/settings.js";
import { loadConfig } from "../../src/bootstrap/config/sidecar-config.js";
import { buildContainer } from "../../src/bootstrap/sidecar/container.js";
import { TOKENS } from "../../src/bootstrap/sidecar/tokens.js";
import { vendorSource } from "../../src/bootstrap/source/vendor-source.js";
import type { CacheStore } from "../../src/ports/cache-store.js";
import type { Logger } from "../../src/ports/logger.js";
import { newTelemetry } from "../../src/ports/telemetry.js";
import { SimProcess } from "./world/sim-process.js";
import { theWorld } from "./world/world.js";

/**
 * - `memory`: states in the process, changes by the stream
 * - `redis`: states in Redis, written by others
 * - `redis-listening`: states in Redis, and changes by the stream
 */
export type SidecarMode = "memory" | "redis" | "redis-listening";

export interface Started {
  readonly process: SimProcess;
  readonly check: CheckEntitlement;
  readonly report: UsageReporting;
  readonly cache: CacheStore;
  /** Which run of the sidecar it is, from 1. */
  readonly run: number;
}

export const ENVIRONMENT = "production";

/** One sidecar of the fleet: the product's own container, started again and again. */
export class SimSidecar {
  readonly name: string;
  readonly mode: SidecarMode;
  /** What the product logged as unexpected. */
  readonly unexpected: string[] = [];
  started: Started | undefined;
  #runs = 0;

  constructor(name: string, mode: SidecarMode) {
    this.name = name;
    this.mode = mode;
  }

  /** Begins in an event of its own process. */
  start(): void {
    const world = theWorld();
    const process = new SimProcess(`${this.name}#${++this.#runs}`, this.name);
    world.scheduler.after(0, process, () => {
      this.started = this.#open(process);
    });
  }

  kill(): void {
    this.started?.process.kill();
    this.started = undefined;
  }

  #open(process: SimProcess): Started {
    const config = configOf(this.mode);
    const logger = loggerOfUnexpected(this.unexpected);
    const services = { clock: new SystemClock(), logger, telemetry: newTelemetry() };
    const source = vendorSource(config, "key", services);
    const cache = this.mode === "memory" ? undefined : redisCacheLayer(config, ENVIRONMENT, services);
    const container = buildContainer({ config, source, cache, ...services });
    source.start();
    cache?.start();
    container.get(TOKENS.stream).start(container.get(TOKENS.followUpdates));
    return {
      process,
      check: container.get(TOKENS.checkEntitlement),
      report: container.get(TOKENS.reportUsage),
      cache: container.get(TOKENS.cache),
      run: this.#runs,
    };
  }
}

/** Keeps what the product logs as unexpected. */
export function loggerOfUnexpected(unexpected: string[]): Logger {
  const kept = (message: string, fields: object = {}) => {
    if (/unexpected|could not be loaded/.test(message)) unexpected.push(`${message} ${errorIn(fields)}`);
  };
  const ignored = () => undefined;
  return { error: kept, warn: kept, info: ignored, debug: ignored };
}

function configOf(mode: SidecarMode): Config {
  const environment = {
    SERVER_API_KEY: "key",
    API_URL: "http://api",
    EDGE_API_URL: "http://edge",
    WS_URL: "ws://ws",
    CACHE_MAX_SIZE_BYTES: String(64 * 1024 * 1024),
    ...(mode === "memory"
      ? {}
      : { REDIS_ENVIRONMENT_PREFIX: ENVIRONMENT, REDIS_HOST: "redis", WS_ENABLED: String(mode === "redis-listening") }),
  };
  return loadConfig(environment).config;
}

function errorIn(fields: object): string {
  const { error } = fields as { readonly error?: unknown };
  return error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(fields);
}

import { openCatalog } from "../adapters/catalog/engine/open-catalog.js";
import type { CatalogInput } from "../adapters/catalog/file/catalog-input.js";
import { parseFallbacks } from "../adapters/fallback/configured-fallbacks.js";
import type { LogLevel } from "../adapters/ops/log-level.js";
import { SystemClock } from "../adapters/ops/system-clock.js";
import { WinstonLogger } from "../adapters/ops/winston-logger.js";
import { loadConfig } from "../bootstrap/config/load-config.js";
import { catalogSource } from "../bootstrap/source/catalog-source.js";
import { Sidecar } from "../bootstrap/sidecar/sidecar.js";
import type { FallbackValues } from "../domain/fallback.js";
import { newTelemetry } from "../ports/telemetry.js";

export type { CatalogInput } from "../adapters/catalog/file/catalog-input.js";
export type { FallbackValues } from "../domain/fallback.js";

export interface StartSidecarOptions {
  /** What is true: features, plans and customers, as a catalog file has them. */
  readonly catalog: CatalogInput;
  /** What to answer where nothing is known, by feature id. */
  readonly fallbacks?: Readonly<Record<string, FallbackValues>>;
  /** Port for the service; without it, or 0, any that is free. */
  readonly port?: number;
  /** The least severe level that is written to standard error; without it only errors are. */
  readonly logLevel?: LogLevel;
}

export interface RunningSidecar {
  /** "127.0.0.1:50123", as gRPC clients take it. Cleartext. */
  readonly address: string;
  readonly port: number;
  /** "http://127.0.0.1:50123", as Connect and gRPC-web clients take it. */
  readonly baseUrl: string;
  /** The port of /livez, /readyz and /metrics. */
  readonly metricsPort: number;
  /**
   * Makes another catalog true. Every check that begins after it answers by it; usage that was reported is kept.
   *
   * @throws CodedError `invalid-argument` with every fault; then the present catalog stays
   */
  setCatalog(catalog: CatalogInput): void;
  /** Ends the sidecar; resolves once nothing of it is left. Can be called again. */
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";
const CACHE_BYTES = 64 * 1024 * 1024;
/** How long calls that a test left unfinished may hold up its end. */
const SHUTDOWN_GRACE_MS = 1_000;

/**
 * Starts a real sidecar in this process, on the loopback address, from a catalog object. Several can run side
 * by side.
 *
 * @throws CodedError `invalid-argument` with every fault of the catalog or the fallbacks
 * @throws StartError when the port cannot be had
 */
export async function startSidecar({
  catalog,
  fallbacks = {},
  port = 0,
  logLevel = "error",
}: StartSidecarOptions): Promise<RunningSidecar> {
  const entitlementsFallback = [...parseFallbacks(fallbacks)];
  const { config } = loadConfig({
    CATALOG_FILE: "a catalog object",
    LISTEN_HOST: HOST,
    GRPC_PORT: String(port),
    METRICS_PORT: "0",
    CACHE_MAX_SIZE_BYTES: String(CACHE_BYTES),
    LOG_LEVEL: logLevel,
    SHUTDOWN_LINGER_MS: "0",
    SHUTDOWN_GRACE_MS: String(SHUTDOWN_GRACE_MS),
  });
  const clock = new SystemClock();
  const { logMessageKey, logErrorKey } = config;
  const logger = new WinstonLogger({
    level: logLevel,
    messageKey: logMessageKey,
    errorKey: logErrorKey,
    secrets: [],
    output: process.stderr,
    clock,
  });
  const engine = await openCatalog({ source: { catalog }, clock, logger });
  const source = catalogSource(engine, "catalog object");
  const sidecar = new Sidecar({
    config: { ...config, entitlementsFallback },
    logger,
    clock,
    telemetry: newTelemetry(),
    source,
  });
  const { grpcPort, metricsPort } = await sidecar.start();
  return {
    address: `${HOST}:${grpcPort}`,
    port: grpcPort,
    baseUrl: `http://${HOST}:${grpcPort}`,
    metricsPort,
    setCatalog: (next) => engine.replace(next),
    stop: () => sidecar.stop(),
  };
}

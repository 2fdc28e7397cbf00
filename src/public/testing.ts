import type { CatalogEngine } from "../adapters/catalog/engine/catalog-engine.js";
import { openCatalog } from "../adapters/catalog/engine/open-catalog.js";
import type { CatalogInput, CustomerInput, PlanInput } from "../adapters/catalog/file/catalog-input.js";
import { parseFallbacks } from "../adapters/fallback/configured-fallbacks.js";
import type { LogLevel } from "../adapters/ops/log-level.js";
import { WinstonLogger } from "../adapters/ops/winston-logger.js";
import { loadConfig } from "../bootstrap/config/load-config.js";
import { Sidecar } from "../bootstrap/sidecar/sidecar.js";
import { catalogSource } from "../bootstrap/source/catalog-source.js";
import type { FallbackValues } from "../domain/decision/fallback.js";
import { newTelemetry } from "../ports/telemetry.js";
import { type CustomerBuilder, type Entries, plain, type PlanBuilder } from "./testing-kit/builders.js";
import { MovableClock } from "./testing-kit/movable-clock.js";
import { ObservedSource } from "./testing-kit/observed-source.js";
import type { RecordedReport } from "./testing-kit/recorded-report.js";
import type { TimeInput } from "./testing-kit/time-input.js";

export type { CatalogInput } from "../adapters/catalog/file/catalog-input.js";
export type { FallbackValues } from "../domain/decision/fallback.js";
export {
  customer,
  feature,
  metered,
  plan,
  resource,
  type CustomerBuilder,
  type PlanBuilder,
  type ResourceBuilder,
} from "./testing-kit/builders.js";
export type { RecordedReport } from "./testing-kit/recorded-report.js";
export type { TimeInput } from "./testing-kit/time-input.js";

/** A catalog whose plans and customers may come from builders. */
export type CatalogOfTest = Omit<CatalogInput, "plans" | "customers"> & {
  readonly plans?: Entries<PlanInput>;
  readonly customers?: Entries<CustomerInput>;
};

export interface StartSidecarOptions {
  /** What is true: features, plans and customers, as a catalog file has them, or as builders make them. */
  readonly catalog: CatalogOfTest;
  /** What to answer where nothing is known, by feature id. */
  readonly fallbacks?: Readonly<Record<string, FallbackValues>>;
  /** Port for the service; without it, or 0, any that is free. */
  readonly port?: number;
  /** The least severe level that is written to standard error; without it only errors are. */
  readonly logLevel?: LogLevel;
  /** When it is at the start; without it, now. From then on time goes on by itself. */
  readonly now?: TimeInput;
}

/** The time that the sidecar goes by. */
export interface TestClock {
  /** Epoch milliseconds. */
  now(): number;
  /** What comes due meanwhile happens at once. @throws RangeError where it would go back */
  advance(ms: number): void;
  /** @throws RangeError where it would go back */
  advanceTo(time: TimeInput): void;
}

export interface RunningSidecar {
  /** "127.0.0.1:50123", as gRPC clients take it. Cleartext. */
  readonly address: string;
  readonly port: number;
  /** "http://127.0.0.1:50123", as Connect, gRPC-web and OpenFeature clients take it. */
  readonly baseUrl: string;
  /** The port of /livez, /readyz and /metrics. */
  readonly metricsPort: number;
  readonly clock: TestClock;
  /**
   * Makes another catalog true. Every check that begins after it answers by it; usage that was reported is kept.
   *
   * @throws CodedError `invalid-argument` with every fault; then the present catalog stays
   */
  setCatalog(catalog: CatalogOfTest): void;
  /**
   * Adds a customer to the catalog, or takes the place of the one with its id. As setCatalog otherwise.
   */
  setCustomer(customer: CustomerBuilder | CustomerInput): void;
  /** The same for a plan. */
  setPlan(plan: PlanBuilder | PlanInput): void;
  /** What the application reported and was counted, in its order. */
  reports(): readonly RecordedReport[];
  /** From now on upstream cannot be reached: cached customers are answered all the same, reports fail. */
  goOffline(): void;
  goOnline(): void;
  /** As it was at the start, on the same ports: its catalog, no usage reported, nothing cached, online, the time of the start. */
  reset(): Promise<void>;
  /** Ends the sidecar; resolves once nothing of it is left. Can be called again. */
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";
const CACHE_BYTES = 64 * 1024 * 1024;
/** How long calls that a test left unfinished may hold up its end. */
const SHUTDOWN_GRACE_MS = 1_000;

/** One run of the sidecar, between two resets. */
interface Run {
  readonly sidecar: Sidecar;
  readonly engine: CatalogEngine;
  readonly observed: ObservedSource;
  readonly clock: MovableClock;
  readonly ports: { readonly grpcPort: number; readonly metricsPort: number };
  catalog: CatalogInput;
}

/**
 * Starts a real sidecar in this process, on the loopback address, from a catalog object. Several can run side
 * by side.
 *
 * @throws CodedError `invalid-argument` with every fault of the catalog or the fallbacks
 * @throws StartError when the port cannot be had
 */
export async function startSidecar(options: StartSidecarOptions): Promise<RunningSidecar> {
  let run = await startRun(options, options.port ?? 0, 0);
  const { grpcPort, metricsPort } = run.ports;

  function setCatalog(next: CatalogInput): void {
    run.engine.replace(next);
    run.catalog = next;
  }

  return {
    address: `${HOST}:${grpcPort}`,
    port: grpcPort,
    baseUrl: `http://${HOST}:${grpcPort}`,
    metricsPort,
    clock: {
      now: () => run.clock.now(),
      advance: (ms) => run.clock.advance(ms),
      advanceTo: (time) => run.clock.advanceTo(time),
    },
    setCatalog: (next) => setCatalog(catalogOf(next)),
    setCustomer: (entry) =>
      setCatalog({ ...run.catalog, customers: withEntry(run.catalog.customers, plain<CustomerInput>(entry)) }),
    setPlan: (entry) =>
      setCatalog({ ...run.catalog, plans: withEntry(run.catalog.plans ?? [], plain<PlanInput>(entry)) }),
    reports: () => [...run.observed.reports],
    goOffline: () => run.observed.goOffline(),
    goOnline: () => run.observed.goOnline(),
    reset: async () => {
      await run.sidecar.stop();
      run = await startRun(options, grpcPort, metricsPort);
    },
    stop: () => run.sidecar.stop(),
  };
}

async function startRun(
  { catalog: given, fallbacks = {}, logLevel = "error", now }: StartSidecarOptions,
  grpcPort: number,
  metricsPort: number,
): Promise<Run> {
  const entitlementsFallback = [...parseFallbacks(fallbacks)];
  const { config } = loadConfig({
    CATALOG_FILE: "a catalog object",
    LISTEN_HOST: HOST,
    GRPC_PORT: String(grpcPort),
    METRICS_PORT: String(metricsPort),
    CACHE_MAX_SIZE_BYTES: String(CACHE_BYTES),
    LOG_LEVEL: logLevel,
    SHUTDOWN_LINGER_MS: "0",
    SHUTDOWN_GRACE_MS: String(SHUTDOWN_GRACE_MS),
  });
  const clock = new MovableClock(now);
  const { logMessageKey, logErrorKey } = config;
  const logger = new WinstonLogger({
    level: logLevel,
    messageKey: logMessageKey,
    errorKey: logErrorKey,
    secrets: [],
    output: process.stderr,
    clock,
  });
  const catalog = catalogOf(given);
  const engine = await openCatalog({ source: { catalog }, clock, logger });
  const observed = new ObservedSource(catalogSource(engine, "catalog object"));
  const sidecar = new Sidecar({
    config: { ...config, entitlementsFallback },
    logger,
    clock,
    telemetry: newTelemetry(),
    source: observed.source,
  });
  return { sidecar, engine, observed, clock, catalog, ports: await sidecar.start() };
}

function catalogOf({ plans, customers = [], ...others }: CatalogOfTest): CatalogInput {
  return {
    ...others,
    ...(plans === undefined ? {} : { plans: plans.map((entry) => plain<PlanInput>(entry)) }),
    customers: customers.map((entry) => plain<CustomerInput>(entry)),
  };
}

function withEntry<T extends { readonly id: string }>(entries: readonly T[], entry: T): readonly T[] {
  return [...entries.filter(({ id }) => id !== entry.id), entry];
}

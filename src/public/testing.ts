import type { CatalogEngine } from "../adapters/catalog/engine/catalog-engine.js";
import { openCatalog } from "../adapters/catalog/engine/open-catalog.js";
import type { CatalogInput, CustomerInput, PlanInput } from "../adapters/catalog/file/catalog-input.js";
import { parseFallbacks } from "../adapters/fallback/configured-fallbacks.js";
import type { LogLevel } from "../adapters/ops/log-format.js";
import { WinstonLogger } from "../adapters/ops/winston-logger.js";
import { loadConfig } from "../bootstrap/config/sidecar-config.js";
import { Sidecar } from "../bootstrap/sidecar/sidecar.js";
import { catalogSource } from "../bootstrap/source/catalog-source.js";
import type { FallbackValues } from "../domain/decision/fallback.js";
import { CodedError } from "../domain/errors.js";
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
  /**
   * As it was at the start, on the same ports: its catalog, no usage reported, nothing cached, online, the time of the start. One
   * that is asked for during another comes after it.
   *
   * @throws CodedError `failed-precondition` once the sidecar was stopped
   */
  reset(): Promise<void>;
  /** Ends the sidecar, after a reset that is under way; resolves once nothing of it is left. Can be called again. */
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";
const CACHE_BYTES = 64 * 1024 * 1024;
/** How long calls that a test left unfinished may hold up its end. */
const SHUTDOWN_GRACE_MS = 1_000;

const OPTION_NAMES = [
  "catalog",
  "fallbacks",
  "port",
  "logLevel",
  "now",
] as const satisfies readonly (keyof StartSidecarOptions)[];

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
 * @throws CodedError `invalid-argument` with every fault of the catalog or the fallbacks, or where an option is not known
 * @throws StartError when the port cannot be had
 */
export async function startSidecar(options: StartSidecarOptions): Promise<RunningSidecar> {
  refuseUnknownOptions(options);
  let run = await startRun(options, options.port ?? 0, 0);
  const { grpcPort, metricsPort } = run.ports;
  let isStopped = false;
  let lastStep: Promise<void> = Promise.resolve();

  /** One at a time: two runs cannot have the same ports, and one that begins behind a stop would never end. */
  function inTurn(step: () => Promise<void>): Promise<void> {
    const done = lastStep.then(step);
    lastStep = done.catch(() => undefined);
    return done;
  }

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
      if (isStopped)
        throw new CodedError("failed-precondition", "this sidecar was stopped: start another one with startSidecar()");
      await inTurn(async () => {
        await run.sidecar.stop();
        run = await startRun(options, grpcPort, metricsPort);
      });
    },
    stop: () => {
      isStopped = true;
      return inTurn(() => run.sidecar.stop());
    },
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

/** JavaScript takes any; one that is misspelt would do nothing without a word. */
function refuseUnknownOptions(options: StartSidecarOptions): void {
  const known: readonly string[] = OPTION_NAMES;
  if (typeof options !== "object" || (options as unknown) === null)
    throw new CodedError("invalid-argument", "startSidecar() needs options, of them `catalog` at least");
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new CodedError(
      "invalid-argument",
      `startSidecar() has no option ${unknown.map((name) => JSON.stringify(name)).join(", ")}; there are ${known.join(", ")}`,
    );
}

/** What is no list, or no entry, is left to the rules of catalogs, which say where it is and what belongs there. */
function catalogOf(given: CatalogOfTest): CatalogInput {
  if (typeof given !== "object" || (given as unknown) === null)
    throw new CodedError(
      "invalid-argument",
      'a catalog is an object such as { features: [feature("sso")], customers: [] }',
    );
  const { plans, customers = [], ...others } = given;
  return {
    ...others,
    ...(plans === undefined ? {} : { plans: plainEach<PlanInput>(plans) }),
    customers: plainEach<CustomerInput>(customers),
  };
}

function plainEach<T extends { readonly id: string }>(entries: Entries<T>): readonly T[] {
  return Array.isArray(entries)
    ? entries.map((entry: Entries<T>[number]) => plain<T>(entry))
    : (entries as readonly T[]);
}

function withEntry<T extends { readonly id: string }>(entries: readonly T[], entry: T): readonly T[] {
  // One that is none takes nobody's place: the rules of catalogs refuse it.
  const id = (entry as T | undefined | null)?.id;
  return [...entries.filter((each) => each.id !== id), entry];
}

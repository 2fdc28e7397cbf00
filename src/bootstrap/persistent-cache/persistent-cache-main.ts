import type { Container } from "inversify";
import {
  type ErrorReports,
  ReplaceableReports,
  ReportingLogger,
} from "../../adapters/error-reports/reporting-logger.js";
import { FoldingLogger } from "../../adapters/ops/folding-logger.js";
import type { MetricFamily } from "../../adapters/ops/metrics/metrics.js";
import { SecretList } from "../../adapters/ops/secrets.js";
import { SystemClock } from "../../adapters/ops/system-clock.js";
import { WinstonLogger } from "../../adapters/ops/winston-logger.js";
import { proxySecrets, unusableProxies } from "../../adapters/outbound/proxy.js";
import { CodedError } from "../../domain/errors.js";
import type { Logger } from "../../ports/logger.js";
import { newTelemetry } from "../../ports/telemetry.js";
import { elapse } from "../../ports/waits.js";
import { describeRedis, redisFiles, redisSecrets } from "../cache/redis-connection.js";
import { type LoadedSettings, readSettings } from "../config/read-settings.js";
import { packageVersion } from "../package-version.js";
import { followFileSettings, type ReplaceableSecret } from "../process/follow-file-settings.js";
import { hasOwnQueueEndpoint } from "../process/queue-endpoint.js";
import { EXIT_CODES, listenFault, refuseToStart, StartError } from "../process/start-error.js";
import { openTelemetryExport, type TelemetryExport, telemetrySecrets } from "../process/telemetry-export.js";
import { endOnSignal } from "../process/termination.js";
import { buildContainer, type PersistentCacheFoundations, TOKENS } from "./container.js";
import { PERSISTENT_CACHE, PERSISTENT_CACHE_SETTINGS, TUNING, type Tuning } from "./settings.js";

const PROGRAM = "persistent-cache-service";

type Loaded = LoadedSettings<typeof PERSISTENT_CACHE_SETTINGS>;

/** How long the last reports may take to be sent, milliseconds. */
const FLUSH_MS = 1_000;

/** Runs the persistent-cache service as this process, until a signal ends it. Log lines go to standard output. */
export async function runPersistentCache(): Promise<void> {
  // A log that nobody reads any more must not end the service.
  for (const output of [process.stdout, process.stderr]) output.on("error", () => undefined);
  // The queue's library would write of a Node that this program is made for, among the lines of the log.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  try {
    const loaded = readSettings(PERSISTENT_CACHE, process.env);
    const secrets = new SecretList([...loaded.secrets, ...proxySecrets(process.env), ...telemetrySecrets(process.env)]);
    const reports = await openReports(loaded, secrets);
    await serve(loaded, reports, secrets);
  } catch (error) {
    refuseToStart(PROGRAM, error);
  }
}

async function serve(loaded: Loaded, reports: ReplaceableReports | undefined, secrets: SecretList): Promise<void> {
  const { config, warnings } = loaded;
  const clock = new SystemClock();
  const written = loggerOf(loaded, clock, secrets);
  const logger = new FoldingLogger(reports === undefined ? written : new ReportingLogger(written, reports), clock);
  process.on("uncaughtException", (error, origin) => {
    logger.error("the service failed in a way that was not foreseen, and ends", { origin, error });
    logger.flush();
    void flushed(reports).then(() => process.exit(EXIT_CODES.unexpected));
  });
  for (const warning of [...warnings, ...unusableProxies([config.edgeApiUrl])]) logger.warn(warning);
  const telemetryExport = await openTelemetryExport(config, process.env, {
    program: PROGRAM,
    logger,
    redact: secrets.redact,
  });
  const service = new PersistentCacheService({
    config,
    tracer: telemetryExport?.tracer,
    clock,
    logger,
    telemetry: newTelemetry(),
    hasOwnEndpoint: hasOwnQueueEndpoint(process.env),
    inForce: loaded.inForce,
    redact: secrets.redact,
  });
  const started = service.start();
  endOnSignal(
    started,
    () => end(service, telemetryExport, logger, reports),
    (signal) => logger.info("ending", { signal }),
  );
  const { port } = await started;
  telemetryExport?.exportMetrics(() => service.metrics());
  const files = { files: { ...loaded.files, ...redisFiles(config) } };
  followFileSettings(files, {
    logger,
    logLevel: (level) => written.setLevel(level),
    secrets,
    replaceable: [
      ...service.replaceable,
      ...(telemetryExport?.replaceable ?? []),
      ...(reports === undefined ? [] : [replaceableDsn(loaded, reports, secrets, logger)]),
    ],
  });
  // Whatever the log level: it happens once, and scripts wait for it.
  process.stdout.write(
    `${written.line("info", "the persistent-cache service consumes changes", { version: packageVersion(), port, queue: config.queueUrl, redis: describeRedis(config), policy: config.updatePolicy })}\n`,
  );
}

async function openReports(loaded: Loaded, secrets: SecretList): Promise<ReplaceableReports | undefined> {
  const { sentryDsn, disableSentry } = loaded.config;
  if (sentryDsn === undefined || disableSentry) return undefined;
  try {
    return new ReplaceableReports(await reportsTo(sentryDsn, loaded, secrets));
  } catch (error) {
    if (error instanceof CodedError) throw new StartError(`SENTRY_DSN: ${error.message}`, { cause: error });
    throw error;
  }
}

async function reportsTo(dsn: string, { config }: Loaded, secrets: SecretList): Promise<ErrorReports> {
  const { openSentry } = await import("../../adapters/error-reports/sentry-reports.js");
  return openSentry({
    dsn,
    release: packageVersion(),
    environment: config.environmentPrefix,
    redact: secrets.redact,
  });
}

function replaceableDsn(
  loaded: Loaded,
  reports: ReplaceableReports,
  secrets: SecretList,
  logger: Logger,
): ReplaceableSecret {
  return {
    setting: PERSISTENT_CACHE_SETTINGS.sentryDsn,
    called: "DSN",
    replace: (dsn) =>
      void reportsTo(dsn, loaded, secrets).then(
        (next) => reports.use(next, FLUSH_MS),
        (error: unknown) => logger.warn("errors cannot be reported to the new DSN: they go to the last one", { error }),
      ),
    effect: "errors are reported to the new one",
  };
}

function loggerOf({ config }: Loaded, clock: SystemClock, secrets: SecretList): WinstonLogger {
  return new WinstonLogger({
    level: config.logLevel,
    messageKey: config.logMessageKey,
    errorKey: config.logErrorKey,
    secrets,
    output: process.stdout,
    clock,
  });
}

async function end(
  service: PersistentCacheService,
  telemetryExport: TelemetryExport | undefined,
  logger: FoldingLogger,
  reports: ErrorReports | undefined,
): Promise<void> {
  let exitCode: number = EXIT_CODES.ok;
  try {
    await service.stop();
    await telemetryExport?.close();
    logger.info("ended");
  } catch (error) {
    exitCode = EXIT_CODES.unexpected;
    logger.error("the service did not end cleanly", { error });
  }
  logger.flush();
  await flushed(reports);
  process.exit(exitCode);
}

async function flushed(reports: ErrorReports | undefined): Promise<void> {
  await reports?.flush(FLUSH_MS);
}

/** How long telling the queue of the last messages may take, milliseconds. */
const CLOSE_MS = 3_000;

export interface PersistentCacheParts extends Omit<PersistentCacheFoundations, "tuning"> {
  readonly tuning?: Partial<Tuning>;
}

/** Keeps the shared Redis in step with a queue, from its start to its end. Several can live in one process. */
export class PersistentCacheService {
  readonly #foundations: PersistentCacheFoundations;
  readonly #container: Container;

  /** Begins to connect to Redis. @throws StartError when the file of authorities cannot be read */
  constructor(parts: PersistentCacheParts) {
    this.#foundations = { ...parts, tuning: { ...TUNING, ...parts.tuning } };
    this.#container = buildContainer(this.#foundations);
    this.#container.get(TOKENS.redis);
  }

  /** What is taken into use while it runs. */
  get replaceable(): readonly ReplaceableSecret[] {
    return [
      {
        setting: PERSISTENT_CACHE_SETTINGS.serverApiKey,
        called: "API key",
        replace: (key) => {
          this.#container.get(TOKENS.identity).apiKey = key;
          this.#foundations.telemetry.apiKeyState = "unknown";
        },
        effect: "requests carry the new one",
      },
      ...redisSecrets((secrets) => this.#container.get(TOKENS.redis).useSecrets(secrets)),
    ];
  }

  /**
   * Resolves once health is served; messages are consumed as soon as Redis and the queue are there.
   *
   * @throws StartError when the port cannot be had; then nothing is left behind
   */
  async start(): Promise<{ readonly port: number }> {
    try {
      const { port } = await this.#listen();
      this.#container.get(TOKENS.rollback).start();
      this.#container.get(TOKENS.gate).start();
      this.#container.get(TOKENS.consume).start();
      return { port };
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  /** What it measures, as it is now. */
  metrics(): Promise<readonly MetricFamily[]> {
    return this.#container.get(TOKENS.metrics).families();
  }

  /** Takes no more messages, finishes those in hand, within bounds, and gives back what is left. */
  async stop(): Promise<void> {
    const { clock, tuning } = this.#foundations;
    this.#container.get(TOKENS.rollback).stop();
    this.#container.get(TOKENS.sweep).stop();
    this.#container.get(TOKENS.refetch).stop();
    this.#container.get(TOKENS.changes).stop();
    await atMost(tuning.graceMs, this.#container.get(TOKENS.consume).stop());
    await atMost(CLOSE_MS, this.#container.get(TOKENS.queue).close());
    this.#release();
    await this.#container.get(TOKENS.opsServer).close();

    async function atMost(timeMs: number, work: Promise<void>): Promise<void> {
      await Promise.race([work, elapse(timeMs, clock)]);
    }
  }

  async #listen(): Promise<{ readonly port: number }> {
    const { port } = this.#foundations.config;
    try {
      return await this.#container.get(TOKENS.opsServer).listen(port, undefined);
    } catch (error) {
      throw new StartError(listenFault(error, { port, host: undefined, portName: "PORT" }), { cause: error });
    }
  }

  #release(): void {
    this.#container.get(TOKENS.gate).stop();
    this.#container.get(TOKENS.upstream).close();
    this.#container.get(TOKENS.redis).close();
  }
}

import {
  type ErrorReports,
  ReplaceableReports,
  ReportingLogger,
} from "../../adapters/error-reports/reporting-logger.js";
import { FoldingLogger } from "../../adapters/ops/folding-logger.js";
import { SecretList } from "../../adapters/ops/secrets.js";
import { SystemClock } from "../../adapters/ops/system-clock.js";
import { WinstonLogger } from "../../adapters/ops/winston-logger.js";
import { proxySecrets } from "../../adapters/outbound/proxy.js";
import { CodedError } from "../../domain/errors.js";
import type { Logger } from "../../ports/logger.js";
import { newTelemetry } from "../../ports/telemetry.js";
import { describeRedis, redisFiles } from "../cache/redis-connection.js";
import { type LoadedSettings, readSettings } from "../config/read-settings.js";
import { packageVersion } from "../package-version.js";
import { followFileSettings, type ReplaceableSecret } from "../process/follow-file-settings.js";
import { hasOwnQueueEndpoint } from "../process/queue-endpoint.js";
import { EXIT_CODES, refuseToStart, StartError } from "../process/start-error.js";
import { openTelemetryExport, type TelemetryExport, telemetrySecrets } from "../process/telemetry-export.js";
import { endOnSignal } from "../process/termination.js";
import { PersistentCacheService } from "./persistent-cache-service.js";
import { PERSISTENT_CACHE, PERSISTENT_CACHE_SETTINGS } from "./settings.js";

const PROGRAM = "persistent-cache-service";

type Loaded = LoadedSettings<typeof PERSISTENT_CACHE_SETTINGS>;

/** How long the last reports may take to be sent, milliseconds. */
const FLUSH_MS = 1_000;

/** Runs the persistent-cache service as this process, until a signal ends it. Log lines go to standard output. */
export async function runPersistentCache(): Promise<void> {
  // A log that nobody reads any more must not end the service.
  for (const output of [process.stdout, process.stderr]) output.on("error", () => undefined);
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
  for (const warning of warnings) logger.warn(warning);
  const telemetryExport = await openTelemetryExport(config, process.env, { program: PROGRAM, logger });
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

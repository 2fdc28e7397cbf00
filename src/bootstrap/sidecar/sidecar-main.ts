import { FoldingLogger } from "../../adapters/ops/folding-logger.js";
import { SecretList } from "../../adapters/ops/secrets.js";
import { SystemClock } from "../../adapters/ops/system-clock.js";
import { WinstonLogger } from "../../adapters/ops/winston-logger.js";
import { proxySecrets } from "../../adapters/outbound/proxy.js";
import type { Logger } from "../../ports/logger.js";
import { newTelemetry } from "../../ports/telemetry.js";
import { SETTINGS } from "../config/settings/settings.js";
import { loadConfig, type LoadedConfig } from "../config/sidecar-config.js";
import { followFileSettings, type ReplaceableSecret } from "../process/follow-file-settings.js";
import { EXIT_CODES, refuseToStart } from "../process/start-error.js";
import { openTelemetryExport, type TelemetryExport, telemetrySecrets } from "../process/telemetry-export.js";
import { endOnSignal } from "../process/termination.js";
import { isOpenToAll, openAccess } from "./access.js";
import { openCache, openFailurePolicies, openSource } from "./foundations.js";
import { openOutbox } from "./outbox.js";
import { Sidecar } from "./sidecar.js";
import { type StartMessage, startMessage, startText } from "./start-message.js";
import { tuneGarbageCollection } from "./tune-garbage-collection.js";

const PROGRAM = "entitlement-sidecar";

/** Runs the sidecar as this process, until a signal ends it. Log lines go to standard output. */
export async function runSidecar(): Promise<void> {
  // A log that nobody reads any more must not end the service.
  for (const output of [process.stdout, process.stderr]) output.on("error", () => undefined);
  let loaded: LoadedConfig;
  try {
    loaded = loadConfig(process.env);
  } catch (error) {
    refuseToStart(PROGRAM, error);
    return;
  }
  const secrets = new SecretList([...loaded.secrets, ...proxySecrets(process.env), ...telemetrySecrets(process.env)]);
  const lines = loggerOf(loaded, secrets);
  const logger = new FoldingLogger(lines, new SystemClock());
  process.on("uncaughtException", (error, origin) => {
    logger.error("the service failed in a way that was not foreseen, and ends", { origin, error });
    logger.flush();
    process.exit(EXIT_CODES.unexpected);
  });
  for (const warning of loaded.warnings) logger.warn(warning);
  await serve(loaded, logger, lines, secrets);
}

async function serve(
  loaded: LoadedConfig,
  logger: FoldingLogger,
  lines: WinstonLogger,
  secrets: SecretList,
): Promise<void> {
  const { config } = loaded;
  try {
    // From before the first file is opened: what is open is closed at the end.
    const starting = start(loaded, logger, secrets);
    endOnSignal(
      starting,
      ({ sidecar, telemetryExport }) => end(sidecar, telemetryExport, logger),
      (signal) => logger.info("ending", { signal }),
    );
    const { message, replaceable, files } = await starting;
    followFileSettings(
      { files: { ...loaded.files, ...files } },
      { logger, logLevel: (level) => lines.setLevel(level), secrets, replaceable },
    );
    tuneGarbageCollection();
    if (isOpenToAll(config))
      logger.info("anybody who reaches the port may ask, as often as they like", { access: message.access });
    tell(message, config.startMessage === "auto" ? (process.stdout.isTTY ? "text" : "json") : config.startMessage);
  } catch (error) {
    refuseToStart(PROGRAM, error);
  }

  function tell(message: StartMessage, form: "text" | "json" | "none"): void {
    if (form === "text") process.stdout.write(`\n${startText(config, message)}\n`);
    // Whatever the log level: it happens once, and scripts wait for it.
    if (form === "json") process.stdout.write(`${lines.line("info", "the sidecar answers checks", { ...message })}\n`);
  }
}

async function start(
  { config, inForce }: LoadedConfig,
  logger: Logger,
  secrets: SecretList,
): Promise<{
  readonly sidecar: Sidecar;
  readonly telemetryExport: TelemetryExport | undefined;
  readonly message: StartMessage;
  readonly replaceable: readonly ReplaceableSecret[];
  /** What is followed beside the files of settings. */
  readonly files: Readonly<Record<string, string>>;
}> {
  const telemetryExport = await openTelemetryExport(config, process.env, {
    program: PROGRAM,
    logger,
    redact: secrets.redact,
  });
  const services = { clock: new SystemClock(), logger, telemetry: newTelemetry() };
  const access = await openAccess(config, services);
  const failurePolicies = await openFailurePolicies(config, services);
  const cache = await openCache(config, services);
  const outbox = openOutbox(config, services);
  const source = await openSource(config, services).catch(async (error: unknown) => {
    await outbox?.close();
    await cache?.close();
    throw error;
  });
  let { opsToken } = config;
  const sidecar = new Sidecar({
    config,
    ...services,
    source,
    cache,
    access,
    failurePolicies,
    outbox,
    inForce,
    opsToken: () => opsToken,
    tracer: telemetryExport?.tracer,
    redact: secrets.redact,
  });
  const replaceable: readonly ReplaceableSecret[] = [
    {
      setting: SETTINGS.serverApiKey,
      called: "API key",
      replace: (key) => source.replaceApiKey?.(key),
      effect: "requests carry the new one",
    },
    {
      setting: SETTINGS.opsToken,
      called: "token of the metrics port",
      replace: (token) => (opsToken = token),
      effect: "the last one opens nothing any more",
    },
    ...(cache?.replaceable ?? []),
    ...(telemetryExport?.replaceable ?? []),
  ];
  const listening = await sidecar.start();
  telemetryExport?.exportMetrics(() => sidecar.metrics());
  const files = cache?.files ?? {};
  return { sidecar, telemetryExport, replaceable, files, message: startMessage(config, listening, source, cache) };
}

function loggerOf({ config }: LoadedConfig, secrets: SecretList): WinstonLogger {
  return new WinstonLogger({
    level: config.logLevel,
    messageKey: config.logMessageKey,
    errorKey: config.logErrorKey,
    secrets,
    output: process.stdout,
    clock: new SystemClock(),
  });
}

async function end(
  sidecar: Sidecar,
  telemetryExport: TelemetryExport | undefined,
  logger: FoldingLogger,
): Promise<void> {
  try {
    await sidecar.stop();
    await telemetryExport?.close();
    logger.info("ended");
    logger.flush();
    process.exit(EXIT_CODES.ok);
  } catch (error) {
    logger.error("the sidecar did not end cleanly", { error });
    logger.flush();
    process.exit(EXIT_CODES.unexpected);
  }
}

import { openCatalog } from "../../../adapters/catalog/engine/open-catalog.js";
import { CatalogReader, readCatalogFile } from "../../../adapters/catalog/file/catalog-file.js";
import { loadCatalogText } from "../../../adapters/catalog/file/load-catalog.js";
import type { CatalogModel } from "../../../adapters/catalog/model/catalog-model.js";
import type { AnnounceChanges } from "../../../adapters/emulator/announce-changes.js";
import type { CatalogControl } from "../../../adapters/emulator/control-endpoint.js";
import { type Emulator, type EmulatorOptions, startEmulator } from "../../../adapters/emulator/start-emulator.js";
import { SystemClock } from "../../../adapters/ops/system-clock.js";
import { WinstonLogger } from "../../../adapters/ops/winston-logger.js";
import { CodedError } from "../../../domain/errors.js";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import { hasOwnQueueEndpoint } from "../../process/queue-endpoint.js";
import { isListenFault, listenFault } from "../../process/start-error.js";
import { endOnSignal } from "../../process/termination.js";
import { catalogSource } from "../../source/catalog-source.js";
import type { Source } from "../../source/source.js";
import { EMULATOR_HOST, EMULATOR_PORT } from "../defaults.js";
import { COMMAND_EXIT_CODES, type Output } from "../output.js";
import { parseCommandLine, UsageError } from "../parse-command-line.js";

const SYNTAX = {
  positionals: [],
  options: {
    catalog: { type: "string" },
    port: { type: "string" },
    host: { type: "string" },
    "api-key": { type: "string" },
    control: { type: "boolean" },
    "queue-url": { type: "string" },
  },
} as const;

interface Running {
  readonly emulator: Emulator;
  readonly source: Source;
}

interface Opened {
  readonly source: Source;
  readonly catalog: CatalogControl;
}

type ListenOptions = Pick<EmulatorOptions, "port" | "apiKey" | "control"> & { readonly host: string };

/**
 * Serves the vendor's API over a catalog file, until a signal ends it.
 *
 * @returns the exit code where it cannot start, undefined once it serves
 */
export async function emulateCommand(args: readonly string[], output: Output): Promise<number | undefined> {
  const { values } = parseCommandLine(args, SYNTAX);
  checkQueueUrl(values["queue-url"]);
  if (values.catalog === undefined) throw new UsageError("missing: --catalog <file>");
  const where = {
    port: portOf(values.port ?? String(EMULATOR_PORT)),
    host: values.host ?? EMULATOR_HOST,
    apiKey: values["api-key"],
    control: values.control,
  };
  try {
    const services = servicesOf();
    const queueUrl = values["queue-url"];
    const starting = start(values.catalog, where, queueUrl, services);
    endOnSignal(starting, end, () => undefined);
    const { emulator, source } = await starting;
    tell(emulator, source, where, output);
    if (queueUrl !== undefined) output.out(`  every change is sent to ${queueUrl}`);
    return undefined;
  } catch (error) {
    const message = explain(error, where);
    if (message === undefined) throw error;
    output.err(`error: ${message}`);
    return COMMAND_EXIT_CODES.error;
  }
}

async function start(
  catalog: string,
  where: ListenOptions,
  queueUrl: string | undefined,
  services: ReturnType<typeof servicesOf>,
): Promise<Running> {
  const announcements = queueUrl === undefined ? undefined : await announceTo(queueUrl, process.env, services);
  const opened = await openFile(catalog, services);
  return { emulator: await serve(opened, where, announcements), source: opened.source };
}

function servicesOf() {
  const clock = new SystemClock();
  return {
    clock,
    logger: new WinstonLogger({
      level: "info",
      messageKey: "msg",
      errorKey: "err",
      secrets: [],
      output: process.stderr,
      clock,
    }),
  };
}

async function openFile(file: string, { clock, logger }: ReturnType<typeof servicesOf>): Promise<Opened> {
  const engine = await openCatalog({ source: { file }, clock, logger });
  // One change at a time, in the order in which they were asked for.
  let last: Promise<unknown> = Promise.resolve();
  const adopt = (read: () => Promise<CatalogModel>): Promise<void> => {
    const adopted = last.then(async () => {
      await engine.adopt(await read());
    });
    last = adopted.catch(() => undefined);
    return adopted;
  };
  return {
    source: catalogSource(engine, file, true),
    catalog: {
      replace: (text) => adopt(() => Promise.resolve().then(() => loadCatalogText("given to the control", text))),
      restore: () => adopt(async () => (await readCatalogFile(file, clock, new CatalogReader())).model),
    },
  };
}

async function serve(
  { source, catalog }: Opened,
  where: ListenOptions,
  announcements: EmulatorOptions["announcements"],
): Promise<Emulator> {
  try {
    return await startEmulator({ upstream: source.upstream, updates: source.stream, announcements, catalog, ...where });
  } catch (error) {
    await source.close();
    throw error;
  }
}

function tell(
  { url, wsUrl }: Emulator,
  { description, example }: Source,
  { apiKey, control }: ListenOptions,
  output: Output,
): void {
  const path = `/v1/c/${encodeURIComponent(example.customerId)}/entitlements-state.json`;
  const lines = [
    `The vendor's API, emulated over ${description}. Changes of the file are served at once.`,
    `  API_URL=${url} EDGE_API_URL=${url} WS_URL=${wsUrl} SERVER_API_KEY=${apiKey ?? "any"}`,
    `  curl -H 'X-API-KEY: ${apiKey ?? "any"}' ${url}${path}`,
  ];
  if (control === true)
    lines.push(`  curl ${url}/emulator/stats`, `  curl -T other-catalog.yaml ${url}/emulator/catalog`);
  output.out(lines.join("\n"));
}

async function end({ emulator, source }: Running): Promise<void> {
  await emulator.stop();
  await source.close();
  process.exit(0);
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= 65_535) return port;
  throw new UsageError(`--port must be a number from 0 (any free one) to 65535, not ${JSON.stringify(text)}`);
}

/** What people can mend; undefined for what is a defect. */
function explain(error: unknown, { host, port }: ListenOptions): string | undefined {
  if (error instanceof CodedError) return error.message;
  if (!isListenFault(error)) return undefined;
  return `${listenFault(error, { port, host, portName: "--port", hostName: "--host" })}; --port 0 takes any free one`;
}

const REGION_IN_HOST = /^sqs\.([a-z]{2}(?:-[a-z]+)+-\d)\./;

/** @throws UsageError where it is no URL of a queue */
export function checkQueueUrl(queueUrl: string | undefined): void {
  if (queueUrl === undefined || (URL.canParse(queueUrl) && /^https?:$/.test(new URL(queueUrl).protocol))) return;
  throw new UsageError(`--queue-url must be the https or http URL of an SQS queue, not ${JSON.stringify(queueUrl)}`);
}

/**
 * What tells a queue of every change. Its library is imported only where it is wanted.
 *
 * @throws UsageError where the queue's region is not known
 */
export async function announceTo(
  queueUrl: string,
  environment: NodeJS.ProcessEnv,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<AnnounceChanges> {
  const region = environment["AWS_REGION"] ?? REGION_IN_HOST.exec(new URL(queueUrl).hostname)?.[1];
  if (region === undefined) throw new UsageError(`${queueUrl} does not tell the queue's region: set AWS_REGION`);
  const { AnnounceChanges: Announce, SqsSender } = await import("../../../adapters/emulator/announce-changes.js");
  return new Announce(
    new SqsSender({ region, queueUrl, hasOwnEndpoint: hasOwnQueueEndpoint(environment) }),
    clock,
    logger,
  );
}

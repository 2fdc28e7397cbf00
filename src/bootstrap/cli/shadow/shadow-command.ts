import { once } from "node:events";
import { SystemClock } from "../../../adapters/ops/system-clock.js";
import { WinstonLogger } from "../../../adapters/ops/winston-logger.js";
import { Health } from "../../../adapters/rpc/gen/grpc/health/v1/health_pb.js";
import { MultiProtocolListener } from "../../../adapters/rpc/listener/multi-protocol-listener.js";
import { MirrorCalls } from "../../../adapters/rpc/shadow/mirror-calls.js";
import { relayHandler } from "../../../adapters/rpc/shadow/relay-handler.js";
import { ComparisonReport } from "../../../domain/comparison/comparison-report.js";
import { CodedError } from "../../../domain/errors.js";
import { endOnSignal } from "../../process/termination.js";
import { serviceAddress } from "../commands/service-address.js";
import { COMMAND_EXIT_CODES, type Output } from "../output.js";
import { parseCommandLine, UsageError } from "../parse-command-line.js";
import { baseUrlOf, durationOf, TLS_OPTIONS } from "../service-options.js";
import { countOf, reachFault, relayTransportTo, transportTo } from "./services.js";
import { describeCounts, inspectComparison, printReport } from "./show-comparison.js";

const SYNTAX = {
  positionals: [],
  options: {
    ...TLS_OPTIONS,
    incumbent: { type: "string" },
    candidate: { type: "string" },
    listen: { type: "string" },
    inspect: { type: "string" },
    "answer-from": { type: "string" },
    for: { type: "string" },
    checks: { type: "string" },
    settle: { type: "string" },
    json: { type: "boolean" },
  },
} as const;

const DEFAULT_LISTEN = "localhost:8090";
const DEFAULT_INSPECT = "localhost:0";
const DEFAULT_SETTLE = "2s";
const ANSWER_TIMEOUT_MS = 5_000;
const PROGRESS_MS = 60_000;
const DRAIN_MS = 5_000;
/** How long answers that still wait to be compared may hold up the report. */
const FINISH_MS = 30_000;
const REACH_MS = 5_000;
/** A timer takes no more. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Stands between callers and the service that they call now, answers with what that answers, and asks another service the same.
 * Exit code 0: all answers agree, 1: some differ, 2: error.
 */
export async function shadowCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const { values } = parseCommandLine(args, SYNTAX);
  if (values.incumbent === undefined)
    throw new UsageError("missing: --incumbent <host:port>, the service that is called now");
  const candidate = values.candidate ?? serviceAddress(environment).baseUrl;
  const answerFrom = values["answer-from"] ?? "incumbent";
  if (answerFrom !== "incumbent" && answerFrom !== "candidate")
    throw new UsageError(`--answer-from must be incumbent or candidate, not ${JSON.stringify(answerFrom)}`);
  const baseUrls = {
    incumbent: baseUrlOf("--incumbent", values.incumbent),
    candidate: baseUrlOf("--candidate", candidate),
  };
  if (isSamePlace(baseUrls.incumbent, baseUrls.candidate))
    throw new UsageError(
      `--incumbent and --candidate are the same service, ${baseUrls.candidate}: nothing would be compared; name the other one with --candidate host:port`,
    );
  const transports = {
    incumbent: transportTo("--incumbent", values.incumbent, values),
    candidate: transportTo("--candidate", candidate, values),
  };
  const ends = {
    afterMs: values.for === undefined ? undefined : durationOf("--for", values.for, { min: 1, max: LONGEST_MS }),
    checks: values.checks === undefined ? undefined : countOf("--checks", values.checks),
  };
  const relayed = {
    incumbent: relayTransportTo("--incumbent", values.incumbent, values),
    candidate: relayTransportTo("--candidate", candidate, values),
  };
  const clock = new SystemClock();
  const logger = new WinstonLogger({
    level: "warn",
    messageKey: "msg",
    errorKey: "err",
    secrets: [],
    output: process.stderr,
    clock,
  });
  const report = new ComparisonReport();
  const mirror = new MirrorCalls({
    ...relayed,
    answerFrom,
    settleMs: durationOf("--settle", values.settle ?? DEFAULT_SETTLE, { min: 0, max: LONGEST_MS }),
    timeoutMs: ANSWER_TIMEOUT_MS,
    clock,
    report,
  });
  const end = new AbortController();
  let seen = 0;
  const onExchange = relayHandler({
    answering: relayed[answerFrom],
    onRead: (call) => {
      if (ends.checks !== undefined && seen >= ends.checks) return;
      mirror.mirror(call);
      if (++seen === ends.checks) end.abort();
    },
    clock,
    logger,
  });
  const listener = new MultiProtocolListener({ onExchange, logger });
  const page = values.inspect === undefined ? undefined : inspectComparison(report, logger);
  const [callers, looking] = [
    addressOf("--listen", values.listen ?? DEFAULT_LISTEN),
    addressOf("--inspect", values.inspect ?? DEFAULT_INSPECT),
  ];
  for (const baseUrl of Object.values(baseUrls))
    if (isSamePlace(baseUrl, `http://${callers.shown}:${callers.port}`))
      throw new UsageError(
        `--listen ${callers.shown}:${callers.port} is one of the services that are asked: choose another --listen host:port`,
      );
  try {
    const port = await listenAt("--listen", listener, callers);
    if (page !== undefined)
      output.err(`inspect  http://${looking.shown}:${await listenAt("--inspect", page, looking)}/inspector`);
    output.err(
      `listening on ${callers.shown}:${port}: answers come from the ${answerFrom}; ${values.incumbent} and ${candidate} are compared`,
    );
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    output.err(`error: ${error.message}`);
    await listener.drain(0);
    return COMMAND_EXIT_CODES.error;
  }
  for (const [who, baseUrl] of Object.entries(baseUrls))
    void warnUnlessReached(who as "incumbent" | "candidate", baseUrl);
  await untilEnd(end, ends.afterMs, () => output.err(describeCounts(report)));
  await listener.drain(DRAIN_MS);
  await mirror.finish(FINISH_MS);
  await page?.close();
  printReport(report, values.json === true, output);
  return report.different === 0 ? COMMAND_EXIT_CODES.valid : COMMAND_EXIT_CODES.invalid;

  /** It may start later: whoever mistook its address should not learn that from the report. */
  async function warnUnlessReached(who: "incumbent" | "candidate", baseUrl: string): Promise<void> {
    const fault = await reachFault(transports[who], baseUrl, REACH_MS, Health.method.check, {});
    if (fault !== undefined && !end.signal.aborted) output.err(`warning: --${who}: ${fault}`);
  }
}

const THIS_MACHINE = new Set(["localhost", "127.0.0.1", "[::1]", "0.0.0.0", "[::]"]);

/** @param one, other URLs; port 0 is no place yet */
function isSamePlace(one: string, other: string): boolean {
  const [a, b] = [new URL(one), new URL(other)];
  const portOf = ({ port, protocol }: URL) => (port === "" ? (protocol === "https:" ? "443" : "80") : port);
  if (portOf(a) !== portOf(b) || portOf(a) === "0") return false;
  return a.hostname === b.hostname || (THIS_MACHINE.has(a.hostname) && THIS_MACHINE.has(b.hostname));
}

interface Address {
  readonly host: string;
  readonly port: number;
  /** The host as it stands in a URL. */
  readonly shown: string;
}

/** @throws UsageError that names the option */
function addressOf(option: string, text: string): Address {
  const [, host = "localhost", port] = /^(?:(\[[^\]]+\]|[^:]+):)?(\d+)$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535)
    throw new UsageError(`${option} must be host:port or a port, not ${JSON.stringify(text)}`);
  return { host: host.replace(/[[\]]/g, ""), port: Number(port), shown: host };
}

/** @returns the port. @throws CodedError that says what to do about it */
async function listenAt(
  option: string,
  server: { listen(port: number, host: string): Promise<{ readonly port: number }> },
  { host, port }: Address,
): Promise<number> {
  try {
    return (await server.listen(port, host)).port;
  } catch (error) {
    if (error instanceof CodedError) throw new CodedError(error.code, `${error.message} with ${option} host:port`);
    throw new CodedError(
      "unavailable",
      `${option}: ${(error as Error).message}: name another with ${option} host:port`,
    );
  }
}

/** Until a signal, the time, or the number of checks ends it. */
async function untilEnd(end: AbortController, afterMs: number | undefined, tell: () => void): Promise<void> {
  endOnSignal(
    Promise.resolve(),
    () => {
      end.abort();
      return Promise.resolve();
    },
    () => undefined,
  );
  const progress = setInterval(tell, PROGRESS_MS);
  const timer = afterMs === undefined ? undefined : setTimeout(() => end.abort(), afterMs);
  if (!end.signal.aborted) await once(end.signal, "abort");
  clearInterval(progress);
  clearTimeout(timer);
}

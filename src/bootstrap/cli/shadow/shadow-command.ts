import { once } from "node:events";
import { SystemClock } from "../../../adapters/ops/system-clock.js";
import { WinstonLogger } from "../../../adapters/ops/winston-logger.js";
import { MultiProtocolListener } from "../../../adapters/rpc/listener/multi-protocol-listener.js";
import { MirrorCalls } from "../../../adapters/rpc/shadow/mirror-calls.js";
import { relayHandler } from "../../../adapters/rpc/shadow/relay-handler.js";
import { ComparisonReport } from "../../../domain/comparison/comparison-report.js";
import { CodedError } from "../../../domain/errors.js";
import { endOnSignal } from "../../process/termination.js";
import { serviceAddress } from "../commands/service-address.js";
import { COMMAND_EXIT_CODES, type Output } from "../output.js";
import { parseCommandLine, UsageError } from "../parse-command-line.js";
import { durationOf, TLS_OPTIONS } from "../service-options.js";
import { describeCounts, printReport } from "./print-report.js";
import { countOf, transportTo } from "./services.js";

const SYNTAX = {
  positionals: [],
  options: {
    ...TLS_OPTIONS,
    incumbent: { type: "string" },
    candidate: { type: "string" },
    listen: { type: "string" },
    "answer-from": { type: "string" },
    for: { type: "string" },
    checks: { type: "string" },
    settle: { type: "string" },
    json: { type: "boolean" },
  },
} as const;

const DEFAULT_LISTEN = "localhost:8090";
const DEFAULT_SETTLE = "2s";
const ANSWER_TIMEOUT_MS = 5_000;
const PROGRESS_MS = 60_000;
const DRAIN_MS = 5_000;
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
  const transports = {
    incumbent: transportTo("--incumbent", values.incumbent, values),
    candidate: transportTo("--candidate", candidate, values),
  };
  const ends = {
    afterMs: values.for === undefined ? undefined : durationOf("--for", values.for, { min: 1, max: LONGEST_MS }),
    checks: values.checks === undefined ? undefined : countOf("--checks", values.checks),
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
    ...transports,
    answerFrom,
    settleMs: durationOf("--settle", values.settle ?? DEFAULT_SETTLE, { min: 0, max: LONGEST_MS }),
    timeoutMs: ANSWER_TIMEOUT_MS,
    clock,
    report,
  });
  const end = new AbortController();
  let seen = 0;
  const onExchange = relayHandler({
    answering: transports[answerFrom],
    onRead: (call) => {
      if (ends.checks !== undefined && seen >= ends.checks) return;
      mirror.mirror(call);
      if (++seen === ends.checks) end.abort();
    },
    clock,
    logger,
  });
  const listener = new MultiProtocolListener({ onExchange, logger });
  const listening = await listen(listener, values.listen ?? DEFAULT_LISTEN, output);
  if (listening === undefined) return COMMAND_EXIT_CODES.error;
  output.err(
    `listening on ${listening}: answers come from the ${answerFrom}; ${values.incumbent} and ${candidate} are compared`,
  );
  await untilEnd(end, ends.afterMs, () => output.err(describeCounts(report)));
  await listener.drain(DRAIN_MS);
  await mirror.idle();
  printReport(report, values.json === true, output);
  return report.different === 0 ? COMMAND_EXIT_CODES.valid : COMMAND_EXIT_CODES.invalid;
}

async function listen(listener: MultiProtocolListener, at: string, output: Output): Promise<string | undefined> {
  const [, host, port] = /^(?:(\[[^\]]+\]|[^:]+):)?(\d+)$/.exec(at) ?? [];
  if (port === undefined || Number(port) > 65_535)
    throw new UsageError(`--listen must be host:port or a port, not ${JSON.stringify(at)}`);
  try {
    const address = await listener.listen(Number(port), (host ?? "localhost").replace(/[[\]]/g, ""));
    return `${host ?? "localhost"}:${address.port}`;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    output.err(`error: ${error.message} with --listen host:port`);
    return undefined;
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

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { create, type MessageInitShape, toJsonString } from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { Health } from "../../../adapters/rpc/gen/grpc/health/v1/health_pb.js";
import {
  type GetEntitlementV2Request,
  GetEntitlementV2RequestSchema,
  SidecarService,
} from "../../../adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { observeAnswer, observeFailure } from "../../../adapters/rpc/shadow/mirror-calls.js";
import {
  type AnswerItem,
  compareAnswers,
  type FieldValue,
  type ObservedAnswer,
} from "../../../domain/comparison/compare-answers.js";
import { ComparisonReport } from "../../../domain/comparison/comparison-report.js";
import { serviceAddress } from "../commands/service-address.js";
import { type DecisionLine, lineIn } from "../decisions/decision-line.js";
import { COMMAND_EXIT_CODES, type Output } from "../output.js";
import { parseCommandLine, UsageError } from "../parse-command-line.js";
import { baseUrlOf, TLS_OPTIONS } from "../service-options.js";
import { reachFault, transportTo } from "./services.js";
import { describeCounts, printReport } from "./show-comparison.js";

const SYNTAX = {
  positionals: ["decision log"],
  options: {
    ...TLS_OPTIONS,
    address: { type: "string" },
    usage: { type: "boolean" },
    json: { type: "boolean" },
  },
} as const;

/** Questions that are with the service at a time. */
const MAX_ASKED = 64;
const ANSWER_TIMEOUT_MS = 5_000;
/** Answers between two lines of progress on a terminal. */
const PROGRESS_STEP = 10_000;

/**
 * Asks a running service what a decision log says was asked, and compares the answers. Exit code 0: all agree, 1: some differ, 2: error.
 */
export async function replayCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const { positionals, values } = parseCommandLine(args, SYNTAX);
  const [file = ""] = positionals;
  const address = values.address ?? serviceAddress(environment).baseUrl;
  const transport = transportTo("--address", address, values);
  // Else each line of the log would differ, and wait for its time: nobody to ask is an error, not an answer.
  const fault = await reachFault(
    transport,
    baseUrlOf("--address", address),
    ANSWER_TIMEOUT_MS,
    Health.method.check,
    {},
  );
  if (fault !== undefined) {
    output.err(`error: ${fault}`);
    return COMMAND_EXIT_CODES.error;
  }
  const report = new ComparisonReport();
  const asked = new Set<Promise<void>>();
  try {
    for await (const text of createInterface({
      input: file === "-" ? process.stdin : createReadStream(file),
      crlfDelay: Infinity,
    })) {
      const line = lineIn(text);
      if (line === undefined) continue;
      if (asked.size >= MAX_ASKED) await Promise.race(asked);
      const asking = replay(line, transport, values.usage === true, report).finally(() => asked.delete(asking));
      asked.add(asking);
      if (process.stderr.isTTY && report.compared > 0 && report.compared % PROGRESS_STEP === 0)
        output.err(describeCounts(report));
    }
  } catch (error) {
    throw new UsageError(`the decision log ${file} cannot be read: ${(error as Error).message}; correct the path`);
  } finally {
    await Promise.all(asked);
  }
  if (report.compared === 0) {
    output.err(`error: ${file} has no decision in it: is it what DECISION_LOG writes?`);
    return COMMAND_EXIT_CODES.error;
  }
  printReport(report, values.json === true, output);
  return report.different === 0 ? COMMAND_EXIT_CODES.valid : COMMAND_EXIT_CODES.invalid;
}

/** @param withUsage whether usage that has moved since is a difference */
async function replay(
  line: DecisionLine,
  transport: Transport,
  withUsage: boolean,
  report: ComparisonReport,
): Promise<void> {
  const request = create(GetEntitlementV2RequestSchema, questionOf(line));
  const now = await ask(transport, request);
  const differences = compareAnswers(loggedAnswer(line), onlyLogged(now)).filter(
    (difference) => withUsage || difference.class !== "usage",
  );
  if (differences.length === 0) report.addSame();
  else
    report.addDifferent(
      { method: line.decision, request: toJsonString(GetEntitlementV2RequestSchema, request) },
      differences,
    );
}

function questionOf(line: DecisionLine): MessageInitShape<typeof GetEntitlementV2RequestSchema> {
  const { customer, resource, feature, currency, requested } = line;
  return {
    customerId: customer,
    ...(resource === undefined ? {} : { resourceId: resource }),
    ...(feature === undefined ? { currencyId: currency ?? "" } : { featureId: feature }),
    options: {
      ...(typeof requested === "number" ? { requestedUsage: requested } : {}),
      requestedValues: Array.isArray(requested) ? requested.map(String) : [],
    },
  };
}

async function ask(transport: Transport, request: GetEntitlementV2Request): Promise<ObservedAnswer> {
  const method = SidecarService.method.getEntitlementV2;
  try {
    const { message } = await transport.unary(method, undefined, ANSWER_TIMEOUT_MS, undefined, request);
    return observeAnswer(method, message);
  } catch (error) {
    return observeFailure(ConnectError.from(error).code);
  }
}

function loggedAnswer({ granted, reason, fallback, used, limit }: DecisionLine): ObservedAnswer {
  const item = new Map<string, FieldValue>([
    ["hasAccess", granted],
    ["isFallback", fallback],
  ]);
  if (reason !== undefined) item.set("accessDeniedReason", reasonKey(reason));
  if (used !== undefined) item.set("currentUsage", used);
  if (limit !== undefined) item.set("usageLimit", limit);
  return { failure: undefined, items: new Map([["", item]]) };
}

/** What a line of the log says, and nothing else. */
function onlyLogged({ failure, items }: ObservedAnswer): ObservedAnswer {
  const item = items.get("");
  if (item === undefined) return { failure, items };
  const kept: [string, FieldValue][] = [];
  for (const name of ["hasAccess", "isFallback", "currentUsage", "usageLimit"] as const) keep(item, name, kept);
  const reason = item.get("accessDeniedReason");
  if (reason !== undefined) kept.push(["accessDeniedReason", reasonKey(String(reason))]);
  return { failure, items: new Map([["", new Map(kept)]]) };
}

function keep(item: AnswerItem, name: string, kept: [string, FieldValue][]): void {
  const value = item.get(name);
  if (value !== undefined) kept.push([name, value]);
}

/** The log and the wire spell reasons each in its own way: "CustomerNotFound", "ACCESS_DENIED_REASON_CUSTOMER_NOT_FOUND". */
function reasonKey(reason: string): string {
  return reason
    .replace(/^ACCESS_DENIED_REASON_/, "")
    .replaceAll("_", "")
    .toLowerCase();
}

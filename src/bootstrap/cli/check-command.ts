import { toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { GetEntitlementV2ResponseSchema, SidecarService, type GetEntitlementV2Response } from "../../adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { describeAnswer } from "./describe-answer.js";
import { COMMAND_EXIT_CODES } from "./exit-codes.js";
import type { Output } from "./output.js";
import { parseCommandLine } from "./parse-command-line.js";
import { UsageError } from "./usage-error.js";

const SYNTAX = {
  positionals: ["customer", "feature"],
  options: {
    "requested-usage": { type: "string" },
    "requested-values": { type: "string" },
    resource: { type: "string" },
    credits: { type: "boolean" },
    address: { type: "string" },
    timeout: { type: "string" },
    json: { type: "boolean" },
  },
} as const;

/** How it shows that nothing, or something else, listens at the address. */
const NOBODY_ANSWERS: ReadonlySet<Code> = new Set([Code.Unavailable, Code.Internal, Code.Unknown, Code.Unimplemented]);
const DEFAULT_PORT = "50051";
const DEFAULT_TIMEOUT_MS = 5_000;

/** Asks a running sidecar one thing, and answers in one line and an exit code. */
export async function checkCommand(args: readonly string[], environment: NodeJS.ProcessEnv, output: Output): Promise<number> {
  const { positionals, values } = parseCommandLine(args, SYNTAX);
  const [customerId = "", id = ""] = positionals;
  const baseUrl = baseUrlOf(values.address ?? `localhost:${environment.GRPC_PORT ?? DEFAULT_PORT}`);
  const timeoutMs = values.timeout === undefined ? DEFAULT_TIMEOUT_MS : numberOf("--timeout", values.timeout);
  if (timeoutMs <= 0) throw new UsageError("--timeout must be above 0 (milliseconds)");
  const requestedUsage = values["requested-usage"] === undefined ? undefined : numberOf("--requested-usage", values["requested-usage"]);
  const requestedValues = values["requested-values"]?.split(",") ?? [];
  const client = createClient(SidecarService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
  try {
    const response = await client.getEntitlementV2(
      {
        customerId,
        ...(values.resource === undefined ? {} : { resourceId: values.resource }),
        ...(values.credits === true ? { currencyId: id } : { featureId: id }),
        options: { ...(requestedUsage === undefined ? {} : { requestedUsage }), requestedValues },
      },
      { timeoutMs },
    );
    output.out(values.json === true ? asJson(response) : describeAnswer({ customerId, id, requestedUsage, requestedValues }, response));
    return response.entitlement?.hasAccess === true ? COMMAND_EXIT_CODES.granted : COMMAND_EXIT_CODES.denied;
  } catch (error) {
    output.err(`error: ${explain(ConnectError.from(error), baseUrl, timeoutMs)}`);
    return COMMAND_EXIT_CODES.error;
  }
}

function asJson(response: GetEntitlementV2Response): string {
  return JSON.stringify(toJson(GetEntitlementV2ResponseSchema, response, { alwaysEmitImplicit: true }));
}

function baseUrlOf(address: string): string {
  const text = address.includes("://") ? address : `http://${address}`;
  const isAddress = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  if (!isAddress) throw new UsageError(`--address must be host:port or a URL, not ${JSON.stringify(address)}`);
  return text.replace(/\/+$/, "");
}

function numberOf(option: string, text: string): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (!Number.isFinite(value)) throw new UsageError(`${option} must be a number, not ${JSON.stringify(text)}`);
  return value;
}

function explain(error: ConnectError, baseUrl: string, timeoutMs: number): string {
  if (error.code === Code.DeadlineExceeded) return `${baseUrl} did not answer within ${timeoutMs} ms. --timeout waits longer`;
  if (!NOBODY_ANSWERS.has(error.code)) return error.rawMessage;
  return `no sidecar answers at ${baseUrl} (${error.rawMessage}). Start one with "npm start", or name its address with --address host:port`;
}

import { readFileSync } from "node:fs";
import { toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import {
  GetEntitlementV2ResponseSchema,
  SidecarService,
  type GetEntitlementV2Response,
} from "../../../adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { CHECK_TIMEOUT_MS } from "../defaults.js";
import { describeAnswer } from "./describe-answer.js";
import { COMMAND_EXIT_CODES } from "../exit-codes.js";
import type { Output } from "../output.js";
import { parseCommandLine } from "../parse-command-line.js";
import { serviceAddress } from "./service-address.js";
import { UsageError } from "../usage-error.js";

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
    ca: { type: "string" },
    insecure: { type: "boolean" },
    token: { type: "string" },
  },
} as const;

/** How the system says that nothing can be reached at an address. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "EADDRNOTAVAIL",
  "EACCES",
]);
/** What the failures of an answer that is no sidecar's are taken for. */
const STRANGE_ANSWERS: ReadonlySet<Code> = new Set([Code.Unavailable, Code.Internal, Code.Unknown, Code.Unimplemented]);

/** Asks a running sidecar one thing, and answers in one line and an exit code. */
export async function checkCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const { positionals, values } = parseCommandLine(args, SYNTAX);
  const [customerId = "", id = ""] = positionals;
  const baseUrl = values.address === undefined ? addressIn(environment, output) : baseUrlOf(values.address);
  const timeoutMs = values.timeout === undefined ? CHECK_TIMEOUT_MS : numberOf("--timeout", values.timeout);
  if (timeoutMs <= 0) throw new UsageError("--timeout must be above 0 (milliseconds)");
  const requestedUsage =
    values["requested-usage"] === undefined ? undefined : numberOf("--requested-usage", values["requested-usage"]);
  const requestedValues = values["requested-values"]?.split(",") ?? [];
  const client = createClient(
    SidecarService,
    createConnectTransport({ baseUrl, httpVersion: "1.1", nodeOptions: tlsOptions(values.ca, values.insecure) }),
  );
  let metadata = new Headers();
  try {
    const response = await client.getEntitlementV2(
      {
        customerId,
        ...(values.resource === undefined ? {} : { resourceId: values.resource }),
        ...(values.credits === true ? { currencyId: id } : { featureId: id }),
        options: { ...(requestedUsage === undefined ? {} : { requestedUsage }), requestedValues },
      },
      { timeoutMs, headers: requestHeaders(values.token), onHeader: (headers) => (metadata = headers) },
    );
    if (response.entitlement === undefined)
      throw new ConnectError("an answer without an entitlement", Code.Unknown, undefined, undefined, "empty");
    output.out(
      values.json === true
        ? asJson(response, metadata)
        : describeAnswer({ customerId, id, requestedUsage, requestedValues }, response.entitlement),
    );
    return response.entitlement.hasAccess ? COMMAND_EXIT_CODES.granted : COMMAND_EXIT_CODES.denied;
  } catch (error) {
    output.err(`error: ${explain(ConnectError.from(error), baseUrl, timeoutMs)}`);
    return COMMAND_EXIT_CODES.error;
  }
}

/** The whole answer, and what travels beside it: where it comes from and how old it is. */
function asJson(response: GetEntitlementV2Response, metadata: Headers): string {
  const message = toJson(GetEntitlementV2ResponseSchema, response, { alwaysEmitImplicit: true });
  const age = metadata.get("x-entitlement-age-ms");
  const beside = {
    source: metadata.get("x-entitlement-source") ?? undefined,
    ageMs: age === null ? undefined : Number(age),
    decision: metadata.get("x-entitlement-decision") ?? undefined,
  };
  return JSON.stringify({ ...(message as object), ...beside });
}

function requestHeaders(token: string | undefined): Record<string, string> {
  return { "x-entitlement-detail": "1", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
}

/** Whom to believe that it is the sidecar, where it is asked by https. */
function tlsOptions(
  caFile: string | undefined,
  isInsecure: boolean | undefined,
): { readonly ca?: Buffer; readonly rejectUnauthorized?: boolean } {
  if (caFile !== undefined && isInsecure === true)
    throw new UsageError("--ca and --insecure exclude each other: remove one of them");
  if (isInsecure === true) return { rejectUnauthorized: false };
  if (caFile === undefined) return {};
  try {
    return { ca: readFileSync(caFile) };
  } catch (error) {
    throw new UsageError(`--ca: ${caFile} cannot be read: ${(error as Error).message}`);
  }
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
  const reason = error.rawMessage;
  if (error.code === Code.DeadlineExceeded)
    return `${baseUrl} did not answer within ${timeoutMs} ms. --timeout waits longer`;
  if (isUnreachable(error.cause))
    return `no sidecar answers at ${baseUrl} (${reason}). Start one with "npm start", or name its address with --address host:port`;
  // An answer of a sidecar's that is a failure comes as one, and not by way of something that went wrong.
  const isStrange =
    STRANGE_ANSWERS.has(error.code) &&
    (error.cause !== undefined || error.code === Code.Unimplemented || /^HTTP \d{3}$|content type/i.test(reason));
  if (isStrange)
    return `what answers at ${baseUrl} is not an entitlement sidecar (${reason}). Name the sidecar's address with --address host:port`;
  return `${baseUrl} refuses the question: ${reason}`;
}

function isUnreachable(cause: unknown): boolean {
  if (cause instanceof AggregateError) return cause.errors.every(isUnreachable);
  return cause instanceof Error && UNREACHABLE.has((cause as NodeJS.ErrnoException).code ?? "");
}

/** Says whom it asks: where an answer surprises, that is the first question. */
function addressIn(environment: NodeJS.ProcessEnv, output: Output): string {
  const { baseUrl, origin } = serviceAddress(environment);
  output.err(`asking ${baseUrl} (${origin})`);
  return baseUrl;
}

import { toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createNodeHttpClient } from "@connectrpc/connect-node";
import {
  type EntitlementV2,
  type GetEntitlementV2Response,
  GetEntitlementV2ResponseSchema,
  SidecarService,
} from "../../../adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { CHECK_TIMEOUT_MS } from "../defaults.js";
import { COMMAND_EXIT_CODES, type Output } from "../output.js";
import { parseCommandLine, UsageError } from "../parse-command-line.js";
import { baseUrlOf, durationOf, TLS_OPTIONS, tlsOptions } from "../service-options.js";
import { describeAnswer } from "./describe-answer.js";
import { describeCheckFailure } from "./describe-check-failure.js";
import { serviceAddress } from "./service-address.js";

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
    ...TLS_OPTIONS,
    token: { type: "string" },
  },
} as const;

const TIMEOUT_RANGE = { min: 1, max: 3_600_000 };

/** Asks a running sidecar one thing, and answers in one line and an exit code. */
export async function checkCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const { positionals, values } = parseCommandLine(args, SYNTAX);
  const [customerId = "", id = ""] = positionals;
  const timeoutMs =
    values.timeout === undefined ? CHECK_TIMEOUT_MS : durationOf("--timeout", values.timeout, TIMEOUT_RANGE);
  const requestedUsage =
    values["requested-usage"] === undefined ? undefined : numberOf("--requested-usage", values["requested-usage"]);
  const requestedValues = values["requested-values"]?.split(",") ?? [];
  const tls = tlsOptions(values);
  const baseUrl =
    values.address === undefined ? addressIn(environment, output) : baseUrlOf("--address", values.address);
  const headers = requestHeaders(values.token);
  const client = createClient(
    SidecarService,
    createConnectTransport({ baseUrl, httpVersion: "1.1", nodeOptions: tls }),
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
      { timeoutMs, headers, onHeader: (received) => (metadata = received) },
    );
    if (response.entitlement === undefined)
      throw new ConnectError("an answer without an entitlement", Code.Unknown, undefined, undefined, "empty");
    const isUnknown =
      values.credits !== true &&
      isMissing(response.entitlement) &&
      (await isUnknownFeature({ baseUrl, headers, tls, timeoutMs }, customerId, id));
    output.out(
      values.json === true
        ? asJson(response, metadata, isUnknown)
        : describeAnswer({ customerId, id, requestedUsage, requestedValues, isUnknown }, response.entitlement),
    );
    return response.entitlement.hasAccess ? COMMAND_EXIT_CODES.granted : COMMAND_EXIT_CODES.denied;
  } catch (error) {
    output.err(`error: ${describeCheckFailure(ConnectError.from(error), baseUrl, timeoutMs)}`);
    return COMMAND_EXIT_CODES.error;
  }
}

function isMissing({ hasAccess, isFallback, entitlement }: EntitlementV2): boolean {
  return !hasAccess && !isFallback && entitlement.case === undefined;
}

/** The whole answer, and what travels beside it: where it comes from and how old it is. */
function asJson(response: GetEntitlementV2Response, metadata: Headers, isUnknown: boolean): string {
  const message = toJson(GetEntitlementV2ResponseSchema, response, { alwaysEmitImplicit: true });
  const age = metadata.get("x-entitlement-age-ms");
  const beside = {
    source: metadata.get("x-entitlement-source") ?? undefined,
    ageMs: age === null ? undefined : Number(age),
    decision: metadata.get("x-entitlement-decision") ?? undefined,
    ...(isUnknown ? { isUnknownFeature: true } : {}),
  };
  return JSON.stringify({ ...(message as object), ...beside });
}

function requestHeaders(token: string | undefined): Record<string, string> {
  return { "x-entitlement-detail": "1", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
}

function numberOf(option: string, text: string): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (!Number.isFinite(value)) throw new UsageError(`${option} must be a number, not ${JSON.stringify(text)}`);
  return value;
}

/** Says whom it asks: where an answer surprises, that is the first question. */
function addressIn(environment: NodeJS.ProcessEnv, output: Output): string {
  const { baseUrl, origin } = serviceAddress(environment);
  output.err(`asking ${baseUrl} (${origin})`);
  return baseUrl;
}

/** How a sidecar is reached; the options of TLS are Node's. */
export interface Reach {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: { readonly ca?: Buffer; readonly rejectUnauthorized?: boolean };
  readonly timeoutMs: number;
}

/**
 * Whether a sidecar knows that there is no such feature at all: by OFREP, which tells that from a feature that the customer lacks.
 * False where it cannot tell, or does not answer: nothing more is said then.
 */
export async function isUnknownFeature(
  { baseUrl, headers, tls, timeoutMs }: Reach,
  customerId: string,
  featureId: string,
): Promise<boolean> {
  try {
    const ask = createNodeHttpClient({ httpVersion: "1.1", nodeOptions: tls });
    const { status, body } = await ask({
      url: `${baseUrl}/ofrep/v1/evaluate/flags/${encodeURIComponent(featureId)}`,
      method: "POST",
      header: new Headers({ ...headers, "content-type": "application/json" }),
      body: once(Buffer.from(JSON.stringify({ context: { targetingKey: customerId } }))),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const parts: Uint8Array[] = [];
    for await (const part of body) parts.push(part);
    if (status !== 404) return false;
    const { errorCode } = JSON.parse(Buffer.concat(parts).toString()) as { readonly errorCode?: unknown };
    return errorCode === "FLAG_NOT_FOUND";
  } catch {
    return false;
  }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}

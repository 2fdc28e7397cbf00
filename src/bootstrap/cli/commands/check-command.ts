import { readFileSync } from "node:fs";
import { toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import {
  type EntitlementV2,
  type GetEntitlementV2Response,
  GetEntitlementV2ResponseSchema,
  SidecarService,
} from "../../../adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { integer } from "../../config/settings/parsers.js";
import { CHECK_TIMEOUT_MS } from "../defaults.js";
import { COMMAND_EXIT_CODES } from "../exit-codes.js";
import type { Output } from "../output.js";
import { parseCommandLine } from "../parse-command-line.js";
import { UsageError } from "../usage-error.js";
import { describeCheckFailure } from "./check-failure.js";
import { describeAnswer } from "./describe-answer.js";
import { isUnknownFeature } from "./known-feature.js";
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
    ca: { type: "string" },
    insecure: { type: "boolean" },
    token: { type: "string" },
  },
} as const;

/** Asks a running sidecar one thing, and answers in one line and an exit code. */
export async function checkCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const { positionals, values } = parseCommandLine(args, SYNTAX);
  const [customerId = "", id = ""] = positionals;
  const baseUrl = values.address === undefined ? addressIn(environment, output) : baseUrlOf(values.address);
  const timeoutMs = values.timeout === undefined ? CHECK_TIMEOUT_MS : durationOf("--timeout", values.timeout);
  const requestedUsage =
    values["requested-usage"] === undefined ? undefined : numberOf("--requested-usage", values["requested-usage"]);
  const requestedValues = values["requested-values"]?.split(",") ?? [];
  const tls = tlsOptions(values.ca, values.insecure);
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

function durationOf(option: string, text: string): number {
  const parser = integer({ min: 1, max: 3_600_000, unit: "milliseconds" });
  const parsed = parser.parse(text.trim());
  if (!parsed.ok) throw new UsageError(`${option} must be ${parser.allowed}, not ${JSON.stringify(text)}`);
  return parsed.value;
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

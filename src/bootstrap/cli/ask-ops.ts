import { type Environment, readSettings } from "../config/read-settings.js";
import { reachableHost } from "../config/settings/access-settings.js";
import { SETTINGS } from "../config/settings/settings.js";
import { StartError } from "../process/start-error.js";
import type { Output } from "./output.js";
import { UsageError } from "./parse-command-line.js";
import { type Method, sendBounded } from "./send-bounded.js";
import { baseUrlOf, durationOf } from "./service-options.js";

/** Options of every command that asks a running service's metrics port. */
export const OPS_OPTIONS = {
  address: { type: "string" },
  token: { type: "string" },
  timeout: { type: "string" },
  json: { type: "boolean" },
} as const;

export interface OpsOptions {
  readonly address?: string | undefined;
  readonly token?: string | undefined;
  readonly timeout?: string | undefined;
}

export interface OpsAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What was asked did not come to an answer; the message says why and what to do. */
export class OpsFailure extends Error {}

const { metricsPort, metricsHost, host, opsToken } = SETTINGS;
const ASKED = { settings: { metricsPort, metricsHost, host, opsToken }, rules: [] };
const DEFAULT_TIMEOUT_MS = 10_000;
const TIMEOUT_RANGE = { min: 1, max: 3_600_000 };

/**
 * Asks the metrics port of the service that is started in the same environment, or of the one that is named.
 *
 * @param mark a member that every answer to this question has, unless it has an `error`: others speak JSON, too
 * @throws OpsFailure where nothing answers, or what answers is no entitlement sidecar; UsageError
 */
export async function askOps(
  path: string,
  query: URLSearchParams,
  options: OpsOptions,
  environment: Environment,
  output: Output,
  mark: string,
  method: Method = "GET",
): Promise<OpsAnswer> {
  const timeoutMs =
    options.timeout === undefined ? DEFAULT_TIMEOUT_MS : durationOf("--timeout", options.timeout, TIMEOUT_RANGE);
  const { baseUrl, token } = whomToAsk(options, environment, output);
  const url = new URL(`${baseUrl}${path}${query.size === 0 ? "" : `?${query.toString()}`}`);
  const { status, text } = await sendBounded(method, url, token, timeoutMs).catch((error: unknown) => {
    throw new OpsFailure(
      `no sidecar's metrics port answers at ${url.origin} (${reasonOf(error)}). Start one with "npm start", or name its address with --address host:port`,
    );
  });
  const body = objectIn(text);
  if (body === undefined || !(mark in body || (status >= 400 && typeof body["error"] === "string")))
    throw new OpsFailure(
      `what answers at ${baseUrl} is not the metrics port of an entitlement sidecar (HTTP ${status}). Name it with --address host:port`,
    );
  return { status, body };
}

function objectIn(text: string): OpsAnswer["body"] | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as OpsAnswer["body"])
      : undefined;
  } catch {
    return undefined;
  }
}

function reasonOf(thrown: unknown): string {
  const error: unknown = thrown instanceof AggregateError ? thrown.errors[0] : thrown;
  const { code = "", message = "" } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  const reason = message === "" ? code : message;
  if (/wrong version number|packet length too long|http request/i.test(reason))
    return "it does not speak TLS: ask it by http://";
  // What a listener with TLS does of a question that is not in TLS.
  if (code === "ECONNRESET" || code === "HPE_INVALID_CONSTANT")
    return `${reason}: it may want https://, or be another service`;
  return reason;
}

function whomToAsk(
  { address, token }: OpsOptions,
  environment: Environment,
  output: Output,
): { readonly baseUrl: string; readonly token: string | undefined } {
  const config = readEnvironment(environment);
  if (address !== undefined) return { baseUrl: baseUrlOf("--address", address), token: token ?? config.opsToken };
  if (config.metricsPort === 0)
    throw new UsageError(
      `${metricsPort.name} is 0, so the service listens on any free port: name its metrics port with --address host:port`,
    );
  const baseUrl = `http://${reachableHost(config.metricsHost ?? config.host)}:${config.metricsPort}`;
  const isSet = (environment[metricsPort.name] ?? "").trim() !== "";
  output.err(
    `asking ${baseUrl} (${metricsPort.name}${isSet ? `=${config.metricsPort}` : ` is not set, so ${config.metricsPort}`})`,
  );
  return { baseUrl, token: token ?? config.opsToken };
}

function readEnvironment(environment: Environment) {
  try {
    return readSettings(ASKED, environment).config;
  } catch (error) {
    if (error instanceof StartError)
      throw new UsageError(`${error.message}\nMend it, or name the service's metrics port with --address host:port`);
    throw error;
  }
}

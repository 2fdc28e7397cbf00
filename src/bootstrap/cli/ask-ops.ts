import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { type Environment, readSettings } from "../config/read-settings.js";
import { SETTINGS } from "../config/settings/settings.js";
import { reachableHost } from "../process/reachable-host.js";
import { StartError } from "../process/start-error.js";
import type { Output } from "./output.js";
import { UsageError } from "./parse-command-line.js";
import { baseUrlOf } from "./service-options.js";

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

type Method = "GET" | "POST";

export interface OpsAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** What was asked did not come to an answer; the message says why and what to do. */
export class OpsFailure extends Error {}

const { metricsPort, metricsHost, host, opsToken } = SETTINGS;
const ASKED = { settings: { metricsPort, metricsHost, host, opsToken }, rules: [] };
const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Asks the metrics port of the service that is started in the same environment, or of the one that is named.
 *
 * @throws OpsFailure where nothing answers, or what answers is no entitlement sidecar; UsageError
 */
export async function askOps(
  path: string,
  query: URLSearchParams,
  options: OpsOptions,
  environment: Environment,
  output: Output,
  method: Method = "GET",
): Promise<OpsAnswer> {
  const { baseUrl, token } = whomToAsk(options, environment, output);
  const url = new URL(`${baseUrl}${path}${query.size === 0 ? "" : `?${query.toString()}`}`);
  const timeoutMs = options.timeout === undefined ? DEFAULT_TIMEOUT_MS : Number(options.timeout);
  if (!(timeoutMs > 0)) throw new UsageError("--timeout must be a number above 0 (milliseconds)");
  const text = await send(method, url, token, timeoutMs);
  try {
    return { status: text.status, body: JSON.parse(text.body) as unknown };
  } catch {
    throw new OpsFailure(
      `what answers at ${baseUrl} is not the metrics port of an entitlement sidecar (HTTP ${text.status}). Name it with --address host:port`,
    );
  }
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

function send(
  method: Method,
  url: URL,
  token: string | undefined,
  timeoutMs: number,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const request = (url.protocol === "https:" ? requestHttps : requestHttp)(
      url,
      { method, headers, timeout: timeoutMs },
      (response: IncomingMessage) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => (body += part));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
        response.on("error", fail);
      },
    );
    const fail = (error: Error) =>
      reject(
        new OpsFailure(
          `no sidecar's metrics port answers at ${url.origin} (${reasonOf(error)}). Start one with "npm start", or name its address with --address host:port`,
        ),
      );
    request.on("error", fail);
    request.on("timeout", () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.end();
  });
}

function reasonOf(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error && first.message !== ""
    ? first.message
    : ((error as NodeJS.ErrnoException).code ?? error.name);
}

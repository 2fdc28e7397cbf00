import { hostname } from "node:os";
import type { TransportMakeRequestResponse } from "@sentry/core";
import { CodedError } from "../../domain/errors.js";
import type { LogFields } from "../../ports/logger.js";
import type { ErrorReports } from "./reporting-logger.js";

export interface SentryOptions {
  readonly dsn: string;
  /** The version of this program. */
  readonly release: string;
  readonly environment: string;
  /** Hides secrets in what is sent, wherever they stand. */
  readonly redact: (text: string) => string;
}

const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Opens the way to Sentry. Its library is imported only here, since most do without.
 *
 * @throws CodedError `failed-precondition` where the library is not installed
 */
export async function openSentry({ dsn, release, environment, redact }: SentryOptions): Promise<ErrorReports> {
  const { ServerRuntimeClient, createStackParser, createTransport, nodeStackLineParser, Scope } = await importLibrary();
  const scope = new Scope();
  const client = new ServerRuntimeClient({
    dsn,
    release,
    environment,
    serverName: hostname(),
    platform: "node",
    runtime: { name: "node", version: process.version },
    integrations: [],
    sendClientReports: false,
    stackParser: createStackParser(nodeStackLineParser()),
    beforeSend: (event) => JSON.parse(redact(JSON.stringify(event))) as typeof event,
    transport: (options) => createTransport(options, ({ body }) => post(options.url, body, options.headers)),
  });
  client.init();
  return {
    report(message: string, { error, ...extra }: LogFields = {}) {
      const captured = { captureContext: { level: "error", extra: { ...extra, message } } } as const;
      if (error instanceof Error) client.captureException(error, captured, scope);
      else client.captureMessage(message, "error", captured, scope);
    },
    async flush(timeoutMs: number) {
      await client.close(timeoutMs);
    },
  };
}

async function importLibrary() {
  try {
    return await import("@sentry/core").then(async (shared) => ({
      ...shared,
      ...(await import("@sentry/core/server")),
    }));
  } catch (error) {
    throw new CodedError(
      "failed-precondition",
      "errors cannot be reported without the package @sentry/core, which was left out at installation: install it, or set DISABLE_SENTRY=1",
      { cause: error },
    );
  }
}

async function post(
  url: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> | undefined,
): Promise<TransportMakeRequestResponse> {
  const response = await fetch(url, {
    method: "POST",
    body: typeof body === "string" ? body : Buffer.from(body),
    headers: { ...headers },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  await response.body?.cancel();
  return {
    statusCode: response.status,
    headers: {
      "x-sentry-rate-limits": response.headers.get("x-sentry-rate-limits"),
      "retry-after": response.headers.get("retry-after"),
    },
  };
}

import { type AccessFile, openAccessFile } from "../../adapters/rpc/call/access/access-entries.js";
import { AccessIdentity, rateLimit } from "../../adapters/rpc/call/access/access-identity.js";
import {
  crossOriginOf,
  type IsAllowedHost,
  isLoopback,
  listedHosts,
  LOCAL_HOSTS,
} from "../../adapters/rpc/call/access/cross-origin.js";
import type { RpcHandlerOptions } from "../../adapters/rpc/rpc-handler.js";
import { CodedError } from "../../domain/errors.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { Config } from "../config/settings/settings.js";
import { StartError } from "../process/start-error.js";

/** The rules of access that are configured, as the port takes them. */
export interface Access extends Pick<RpcHandlerOptions, "identity" | "admission" | "crossOrigin"> {
  close(): Promise<void>;
}

/** @throws StartError where the file of tokens cannot be read or has a fault, with its line and remedy */
export async function openAccess(
  config: Config,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<Access> {
  const { authTokensFile, corsAllowedOrigins } = config;
  const file = authTokensFile === undefined ? undefined : await openFile(authTokensFile, clock, logger);
  if (
    config.tlsClientCaFile === undefined &&
    file?.value.some(({ certificate }) => certificate !== undefined) === true
  ) {
    logger.warn(
      "AUTH_TOKENS_FILE has entries by client certificate, which nobody can show: set TLS_CLIENT_CA_FILE too",
    );
  }
  const isAllowedHost = allowedHosts(config);
  const isNeeded = file !== undefined || isAllowedHost !== undefined || config.rateLimit !== undefined;
  return {
    identity: isNeeded ? new AccessIdentity({ entries: file, isAllowedHost }) : undefined,
    admission: config.rateLimit === undefined ? [] : [rateLimit(config.rateLimit)],
    crossOrigin: corsAllowedOrigins.length === 0 ? undefined : crossOriginOf(corsAllowedOrigins),
    close: () => file?.close() ?? Promise.resolve(),
  };
}

async function openFile(file: string, clock: Clock, logger: Logger): Promise<AccessFile> {
  try {
    return await openAccessFile(file, clock, logger);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw new StartError(`AUTH_TOKENS_FILE: ${error.message}`, { cause: error });
  }
}

function allowedHosts({ allowedHosts: listed, host }: Config): IsAllowedHost | undefined {
  if (listed !== undefined) return listed.includes("*") ? undefined : listedHosts(listed);
  return host !== undefined && isLoopback(host) ? LOCAL_HOSTS : undefined;
}

/** Whether anybody may ask who reaches the port, as often as they like, and others than this machine can. */
export function isOpenToAll({ host, authTokensFile, tlsClientCaFile, rateLimit: limit }: Config): boolean {
  return (
    (host === undefined || !isLoopback(host)) &&
    authTokensFile === undefined &&
    tlsClientCaFile === undefined &&
    limit === undefined
  );
}

/** Who may ask, for whoever starts the service. */
export function describeAccess(config: Config): string {
  const { host, authTokensFile, tlsClientCaFile, rateLimit: limit } = config;
  const limited = limit === undefined ? "" : `, ${limit} calls a second each`;
  if (authTokensFile !== undefined) return `who has a token or client certificate of ${authTokensFile}${limited}`;
  if (host !== undefined && isLoopback(host)) return `this machine alone${limited}`;
  if (isOpenToAll(config))
    return "anybody who reaches it: AUTH_TOKENS_FILE, TLS_CLIENT_CA_FILE and RATE_LIMIT restrict that";
  if (tlsClientCaFile === undefined) return `anybody who reaches it${limited}`;
  return `by TLS who has a client certificate, without TLS anybody who reaches GRPC_PORT${limited}`;
}

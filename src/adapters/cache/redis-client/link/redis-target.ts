import type { ConnectionOptions } from "node:tls";
import type { RedisOptions } from "ioredis";

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Where Redis is: one server, the master that Sentinels know, or the masters of a Cluster. */
export type RedisTarget =
  | ({ readonly kind: "server"; readonly db: number } & HostAndPort)
  | {
      readonly kind: "sentinels";
      readonly sentinels: readonly HostAndPort[];
      readonly name: string;
      readonly db: number;
      readonly username?: string | undefined;
      readonly password?: string | undefined;
    }
  | { readonly kind: "cluster"; readonly nodes: readonly HostAndPort[] };

export type OneServerTarget = Exclude<RedisTarget, { kind: "cluster" }>;

/** How to get in. */
export interface RedisAccess {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly tls?: ConnectionOptions | undefined;
}

/** How a target reads in a log. */
export function nameOf(target: OneServerTarget): string {
  return target.kind === "server" ? addressOf(target) : `master ${target.name} of Sentinels`;
}

export function addressOf({ host, port }: HostAndPort): string {
  return `${host}:${port}`;
}

/** One connection to a target, and no other after it: whoever keeps a connection makes a new one of these. */
export function connectionTo(target: OneServerTarget, access: RedisAccess, timeoutMs: number): RedisOptions {
  const { username, password, tls } = access;
  return {
    // With a name, a server without passwords takes any; without one, the library warns on the console.
    ...(password === undefined ? {} : { username: username ?? "default", password }),
    ...(target.kind === "server" ? { host: target.host, port: target.port } : throughSentinels(target, tls, timeoutMs)),
    ...(tls === undefined ? {} : { tls }),
    db: target.db,
    // Invalidations and RESP3 do not go together in this library, and nothing else needs it.
    protocol: 2,
    connectTimeout: timeoutMs,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    maxLoadingRetryTime: LOADING_RETRY_MS,
    retryStrategy: () => null,
  };
}

const LOADING_RETRY_MS = 250;

function throughSentinels(
  { sentinels, name, username, password }: Extract<OneServerTarget, { kind: "sentinels" }>,
  tls: ConnectionOptions | undefined,
  timeoutMs: number,
): RedisOptions {
  return {
    sentinels: [...sentinels],
    name,
    role: "master",
    sentinelCommandTimeout: timeoutMs,
    sentinelRetryStrategy: () => null,
    ...(username === undefined ? {} : { sentinelUsername: username }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
    ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  };
}

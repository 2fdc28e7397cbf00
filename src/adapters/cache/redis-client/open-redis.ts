import { CodedError } from "../../../domain/errors.js";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import type { Telemetry } from "../../../ports/telemetry.js";
import { readOnceNow } from "../../files/open-to-read.js";
import type { Invalidations } from "../redis/coherence/coherence.js";
import type { ExpiringLists, ExpiringValues, RedisCommands, RedisInsight } from "../redis/store/redis-commands.js";
import { Cluster } from "./cluster/cluster.js";
import { ClusterInvalidations } from "./cluster/cluster-invalidations.js";
import { ClusterTopology } from "./cluster/cluster-topology.js";
import { type CommandSettings, OneServer } from "./commands/one-server.js";
import type { LinkDependencies } from "./link/redis-link.js";
import type { HostAndPort, RedisAccess, RedisTarget } from "./link/redis-target.js";
import { LINK_TIMING, type LinkTiming } from "./link/session.js";
import { OneServerInvalidations } from "./tracking/one-server-invalidations.js";

type Mutable<T> = T extends unknown ? { -readonly [K in keyof T]: T[K] } : never;

export interface RedisConnectionOptions {
  readonly target: RedisTarget;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** The server's certificate is verified: by these authorities (PEM, in a file or as a value), or else by the well-known ones. */
  readonly tls?: { readonly caFile?: string | undefined; readonly ca?: string | undefined } | undefined;
  /** How long keys live, seconds; less than 0: for ever. */
  readonly keysTtlSecs: number;
  /** Within which every command ends, milliseconds. */
  readonly commandTimeoutMs: number;
  /** How long whoever reads a state waits for it, milliseconds; not given: as long as for any command. */
  readonly readPatienceMs?: number | undefined;
}

export interface RedisConnectionDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly timing?: Partial<LinkTiming> | undefined;
  /** See LinkDependencies. */
  readonly idleMs?: (() => number) | undefined;
}

/** What connections that are made from now on get in by, and trust; what is left out stays as it is. */
export interface RedisSecrets {
  readonly password?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** PEM. Nothing where connections are made without TLS. */
  readonly ca?: string | undefined;
}

export interface RedisConnection {
  readonly commands: RedisCommands & RedisInsight & ExpiringValues & ExpiringLists;
  /** Writes to keys that begin so; no prefix may begin with another. */
  invalidations(...prefixes: readonly string[]): Invalidations;
  /** Connections that there are go on as they are. */
  useSecrets(secrets: RedisSecrets): void;
  /** Ends the connections of commands; whatever is not answered yet fails. */
  close(): void;
}

/**
 * Begins to connect, and goes on for as long as it takes: a Redis that is not there yet is no failure.
 *
 * @throws CodedError `invalid-argument` where the file of authorities cannot be read
 */
export function openRedis(options: RedisConnectionOptions, dependencies: RedisConnectionDependencies): RedisConnection {
  const { username, password, tls, keysTtlSecs, commandTimeoutMs, readPatienceMs = commandTimeoutMs } = options;
  // Read anew by each connection that is made.
  const target: Mutable<RedisTarget> = { ...options.target };
  const access: Mutable<RedisAccess> = {
    username,
    password,
    tls: tls && { ca: tls.caFile === undefined ? tls.ca : authorities(tls.caFile) },
  };
  const useSecrets = ({ password, sentinelPassword, ca }: RedisSecrets) => {
    if (password !== undefined) access.password = password;
    if (ca !== undefined && access.tls !== undefined) access.tls = { ca };
    if (sentinelPassword !== undefined && target.kind === "sentinels") target.password = sentinelPassword;
  };
  const settings = { commandTimeoutMs, readPatienceMs, keysTtlMs: keysTtlSecs * 1_000 };
  const linkDependencies = { ...dependencies, timing: { ...LINK_TIMING, ...dependencies.timing }, random: Math.random };
  if (target.kind === "cluster")
    return { ...openCluster(target.nodes, access, settings, linkDependencies), useSecrets };
  const commands = new OneServer(target, access, settings, linkDependencies);
  return {
    commands,
    invalidations: (...prefixes) => new OneServerInvalidations(target, access, prefixes, linkDependencies),
    useSecrets,
    close: () => commands.close(),
  };
}

function openCluster(
  nodes: readonly HostAndPort[],
  access: RedisAccess,
  settings: CommandSettings,
  dependencies: LinkDependencies,
): Omit<RedisConnection, "useSecrets"> {
  const topology = new ClusterTopology(nodes, access, dependencies);
  const commands = new Cluster(topology, access, settings, dependencies);
  return {
    commands,
    invalidations: (...prefixes) => new ClusterInvalidations(topology, access, prefixes, dependencies),
    close: () => {
      topology.close();
      commands.close();
    },
  };
}

function authorities(caFile: string): Buffer {
  try {
    return readOnceNow(caFile);
  } catch (error) {
    throw new CodedError("invalid-argument", `the authorities of Redis's certificate cannot be read from ${caFile}`, {
      cause: error,
    });
  }
}

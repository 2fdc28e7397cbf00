import { createHash } from "node:crypto";
import { MemoryCache } from "../../adapters/cache/memory/memory-cache.js";
import { CachedStates } from "../../adapters/cache/snapshot/cached-states.js";
import { SnapshotFile } from "../../adapters/snapshot/snapshot-file.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { Config } from "../config/settings/settings.js";

const ENVIRONMENT_BYTES = 8;

/** The file of cached states that is configured; undefined where none is, or nothing is cached that is not cached anyway. */
export function snapshotOf(
  config: Config,
  near: CacheStore,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): SnapshotFile | undefined {
  const { snapshotFile, catalogFile, offline } = config;
  if (snapshotFile === undefined || catalogFile !== undefined || offline || !(near instanceof MemoryCache))
    return undefined;
  return new SnapshotFile({
    file: snapshotFile,
    environment: environmentOf(config),
    states: new CachedStates(near),
    clock,
    logger,
  });
}

/** What states of different environments differ in, without telling the key. */
function environmentOf({ serverApiKey = "", apiUrl, redisEnvironmentPrefix = "" }: Config): Buffer {
  return createHash("sha256")
    .update(JSON.stringify([serverApiKey, apiUrl, redisEnvironmentPrefix]))
    .digest()
    .subarray(0, ENVIRONMENT_BYTES);
}

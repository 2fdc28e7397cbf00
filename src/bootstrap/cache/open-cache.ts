import type { Config } from "../config/settings/settings.js";
import type { Services } from "../source/source.js";
import type { CacheLayer } from "./cache-layer.js";

/**
 * Opens what is configured to keep states outside of this process; undefined where that is nothing. Imported only
 * where it is used, so that a process in memory mode loads no Redis client.
 *
 * @throws StartError when a file that the connection needs cannot be read
 */
export async function openCache(config: Config, services: Services): Promise<CacheLayer | undefined> {
  if (config.offline || config.redisEnvironmentPrefix === undefined) return undefined;
  const { redisCacheLayer } = await import("./redis-cache-layer.js");
  return redisCacheLayer(config, config.redisEnvironmentPrefix, services);
}

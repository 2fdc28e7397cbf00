import { SilentUpdateStream } from "../../adapters/stream/silent-update-stream.js";
import { OfflineUpstreamClient } from "../../adapters/upstream/offline-upstream-client.js";
import type { Config } from "../config/settings/settings.js";
import { StartError } from "../process/start-error.js";
import { ANY_CHECK, type Services, type Source } from "./source.js";

/**
 * Opens the configured source. Each is imported only where it is the one, so that a process loads no library
 * that it does not use: a third of its start, and of its memory when idle.
 *
 * @throws StartError when the catalog cannot be served: with every fault, its line and remedy
 */
export async function openSource(config: Config, services: Services): Promise<Source> {
  const { catalogFile, serverApiKey, offline } = config;
  if (offline) return offlineSource(config);
  if (catalogFile !== undefined) {
    const { openCatalogFile } = await import("./catalog-file-source.js");
    return openCatalogFile(catalogFile, config, services);
  }
  if (serverApiKey !== undefined) {
    const { vendorSource } = await import("./vendor-source.js");
    return vendorSource(config, serverApiKey, services);
  }
  throw new StartError("no source of entitlements is configured");
}

function offlineSource({ entitlementsFallback }: Config): Source {
  const [featureId] = entitlementsFallback[0] ?? [ANY_CHECK.featureId];
  return {
    upstream: new OfflineUpstreamClient(),
    stream: new SilentUpdateStream(),
    description: `offline (fallbacks configured: ${entitlementsFallback.length})`,
    example: { ...ANY_CHECK, featureId },
    start: () => undefined,
    close: () => Promise.resolve(),
  };
}

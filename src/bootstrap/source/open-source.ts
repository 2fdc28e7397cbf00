import { openCatalog } from "../../adapters/catalog/open-catalog.js";
import { SilentUpdateStream } from "../../adapters/stream/silent-update-stream.js";
import { OfflineUpstreamClient } from "../../adapters/upstream/offline-upstream-client.js";
import { CodedError } from "../../domain/errors.js";
import type { Config } from "../config/settings.js";
import { StartError } from "../start-error.js";
import { catalogSource } from "./catalog-source.js";
import { ANY_CHECK, type Services, type Source } from "./source.js";
import { vendorSource } from "./vendor-source.js";

/**
 * Opens the configured source.
 *
 * @throws StartError when the catalog cannot be served: with every fault, its line and remedy
 */
export async function openSource(config: Config, services: Services): Promise<Source> {
  const { catalogFile, serverApiKey, offline } = config;
  if (offline) return offlineSource(config);
  if (catalogFile !== undefined) return catalogFileSource(catalogFile, config, services);
  if (serverApiKey !== undefined) return vendorSource(config, serverApiKey, services);
  throw new StartError("no source of entitlements is configured");
}

async function catalogFileSource(file: string, { catalogStateFile }: Config, { clock, logger }: Services): Promise<Source> {
  try {
    const engine = await openCatalog({ source: { file }, stateFile: catalogStateFile, clock, logger });
    return catalogSource(engine, `catalog ${file}`);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const variable = error.code === "invalid-argument" ? "CATALOG_FILE" : "CATALOG_STATE_FILE";
    throw new StartError(`${variable}: ${error.message}`, { cause: error });
  }
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

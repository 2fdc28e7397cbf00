import type { CatalogEngine } from "../adapters/catalog/catalog-engine.js";
import { CatalogUpdateStream } from "../adapters/catalog/catalog-update-stream.js";
import { CatalogUpstreamClient } from "../adapters/catalog/catalog-upstream-client.js";
import { openCatalog } from "../adapters/catalog/open-catalog.js";
import { OfflineUpdateStream } from "../adapters/stream/offline-update-stream.js";
import { OfflineUpstreamClient } from "../adapters/upstream/offline-upstream-client.js";
import { CodedError } from "../domain/errors.js";
import type { Clock } from "../ports/clock.js";
import type { Logger } from "../ports/logger.js";
import type { UpdateStream } from "../ports/update-stream.js";
import type { UpstreamClient } from "../ports/upstream-client.js";
import type { Config } from "./config/settings.js";
import { describeCatalog } from "./describe-catalog.js";
import { StartError } from "./start-error.js";

/** Where entitlements come from. */
export interface Source {
  readonly upstream: UpstreamClient;
  readonly stream: UpdateStream;
  readonly description: string;
  /** A check that it can answer, to try it with. */
  readonly example: ExampleCheck;
  /** Resolves once everything it was told is safe. */
  close(): Promise<void>;
}

export interface ExampleCheck {
  readonly customerId: string;
  readonly featureId: string;
}

export interface Services {
  readonly clock: Clock;
  readonly logger: Logger;
}

const ANY: ExampleCheck = { customerId: "any-customer", featureId: "any-feature" };
/** How many customers are looked at for one that can serve as an example. */
const MAX_LOOKED_AT = 100;

/**
 * Opens the configured source.
 *
 * @throws StartError when the catalog cannot be served: with every fault, its line and remedy
 */
export async function openSource(config: Config, { clock, logger }: Services): Promise<Source> {
  const { catalogFile, catalogStateFile } = config;
  if (catalogFile === undefined) return offlineSource(config);
  try {
    const engine = await openCatalog({ source: { file: catalogFile }, stateFile: catalogStateFile, clock, logger });
    return catalogSource(engine, `catalog ${catalogFile}`);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const variable = error.code === "invalid-argument" ? "CATALOG_FILE" : "CATALOG_STATE_FILE";
    throw new StartError(`${variable}: ${error.message}`, { cause: error });
  }
}

export function catalogSource(engine: CatalogEngine, name: string): Source {
  return {
    upstream: new CatalogUpstreamClient(engine),
    stream: new CatalogUpdateStream(engine),
    description: `${name} (${describeCatalog(engine.model)})`,
    example: exampleOf(engine),
    close: () => engine.close(),
  };
}

function offlineSource({ entitlementsFallback }: Config): Source {
  const [featureId] = entitlementsFallback[0] ?? [ANY.featureId];
  return {
    upstream: new OfflineUpstreamClient(),
    stream: new OfflineUpdateStream(),
    description: `offline (fallbacks configured: ${entitlementsFallback.length})`,
    example: { ...ANY, featureId },
    close: () => Promise.resolve(),
  };
}

/** The first customer that is entitled to something, with what shows most: a metered feature if there is one. */
function exampleOf(engine: CatalogEngine): ExampleCheck {
  let lookedAt = 0;
  for (const customerId of engine.model.customers.keys()) {
    if (lookedAt++ === MAX_LOOKED_AT) break;
    const entitlements = [...engine.stateOf({ customerId }).features()];
    const shown = entitlements.find(({ kind }) => kind === "metered") ?? entitlements[0];
    if (shown !== undefined) return { customerId, featureId: shown.feature.id };
  }
  return ANY;
}

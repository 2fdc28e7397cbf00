import type { CatalogEngine } from "../../adapters/catalog/engine/catalog-engine.js";
import {
  CatalogDirectory,
  CatalogUpdateStream,
  CatalogUpstreamClient,
} from "../../adapters/catalog/engine/catalog-ports.js";
import { openCatalog } from "../../adapters/catalog/engine/open-catalog.js";
import type { CatalogModel } from "../../adapters/catalog/model/catalog-model.js";
import { CodedError } from "../../domain/errors.js";
import type { Config } from "../config/settings/settings.js";
import { StartError } from "../process/start-error.js";
import { ANY_CHECK, type ExampleCheck, type Services, type Source } from "./source.js";

/** How many customers are looked at for one that can serve as an example. */
const MAX_LOOKED_AT = 100;

/**
 * A catalog, read from a file or given as an object.
 *
 * @param isCollective whether its stream says of many customers at once that they may have changed, as upstream does
 */
export function catalogSource(engine: CatalogEngine, name: string, isCollective = false): Source {
  return {
    upstream: new CatalogUpstreamClient(engine),
    stream: new CatalogUpdateStream(engine, isCollective),
    description: `${name} (${describeCatalog(engine.model)})`,
    directory: new CatalogDirectory(engine),
    example: exampleOf(engine),
    hasFeature: (featureId) => engine.model.features.has(featureId),
    unmatchedEvents: () => engine.unmatchedEvents,
    start: () => undefined,
    close: () => engine.close(),
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
  return ANY_CHECK;
}

/** How much a catalog holds, in a few words. */
export function describeCatalog({ features, plans, customers }: CatalogModel): string {
  return [counted(features.size, "feature"), counted(plans.size, "plan"), counted(customers.size, "customer")].join(
    ", ",
  );
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/**
 * A catalog in a file, with its usage in another where one is configured.
 *
 * @throws StartError when it cannot be served: with every fault, its line and remedy
 */
export async function openCatalogFile(
  file: string,
  { catalogStateFile }: Config,
  { clock, logger, telemetry }: Services,
): Promise<Source> {
  try {
    const engine = await openCatalog({ source: { file }, stateFile: catalogStateFile, clock, logger, telemetry });
    return catalogSource(engine, `catalog ${file}`);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const variable = error.code === "invalid-argument" ? "CATALOG_FILE" : "CATALOG_STATE_FILE";
    throw new StartError(`${variable}: ${error.message}`, { cause: error });
  }
}

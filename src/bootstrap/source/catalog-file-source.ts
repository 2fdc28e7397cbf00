import { openCatalog } from "../../adapters/catalog/engine/open-catalog.js";
import { CodedError } from "../../domain/errors.js";
import type { Config } from "../config/settings/settings.js";
import { StartError } from "../process/start-error.js";
import { catalogSource } from "./catalog-source.js";
import type { Services, Source } from "./source.js";

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

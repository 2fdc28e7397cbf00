import { CatalogReader } from "../../../adapters/catalog/file/catalog-reader.js";
import { readCatalogFile } from "../../../adapters/catalog/file/catalog-file.js";
import { SystemClock } from "../../../adapters/ops/system-clock.js";
import { CodedError } from "../../../domain/errors.js";
import { describeCatalog } from "../../source/describe-catalog.js";
import { COMMAND_EXIT_CODES } from "../exit-codes.js";
import type { Output } from "../output.js";
import { parseCommandLine } from "../parse-command-line.js";

/** Says whether a catalog could be served, and else everything that is wrong with it. */
export async function validateCommand(args: readonly string[], output: Output): Promise<number> {
  const { positionals } = parseCommandLine(args, { positionals: ["catalog file"], options: {} });
  const [file = ""] = positionals;
  try {
    const { model } = await readCatalogFile(file, new SystemClock(), new CatalogReader());
    output.out(`${file} can be served: ${describeCatalog(model)}`);
    return COMMAND_EXIT_CODES.valid;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    output.err(error.message);
    return COMMAND_EXIT_CODES.invalid;
  }
}

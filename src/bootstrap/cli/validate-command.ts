import { readFile } from "node:fs/promises";
import { loadCatalogText } from "../../adapters/catalog/load-catalog.js";
import { CodedError } from "../../domain/errors.js";
import { describeCatalog } from "../describe-catalog.js";
import { COMMAND_EXIT_CODES } from "./exit-codes.js";
import type { Output } from "./output.js";
import { parseCommandLine } from "./parse-command-line.js";

/** Says whether a catalog could be served, and else everything that is wrong with it. */
export async function validateCommand(args: readonly string[], output: Output): Promise<number> {
  const { positionals } = parseCommandLine(args, { positionals: ["catalog file"], options: {} });
  const [file = ""] = positionals;
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    output.err(`error: ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return COMMAND_EXIT_CODES.error;
  }
  try {
    output.out(`${file} can be served: ${describeCatalog(loadCatalogText(file, text))}`);
    return COMMAND_EXIT_CODES.valid;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    output.err(error.message);
    return COMMAND_EXIT_CODES.invalid;
  }
}

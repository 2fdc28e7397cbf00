import { CatalogReader, readCatalogFile } from "../../../adapters/catalog/file/catalog-file.js";
import { recordsOfStateFile } from "../../../adapters/catalog/ledger/usage-journal.js";
import { OTHER_EVENTS, UsageLedger } from "../../../adapters/catalog/ledger/usage-ledger.js";
import { UnreadableFileError } from "../../../adapters/files/last-good-file.js";
import { readOnce } from "../../../adapters/files/open-to-read.js";
import { SystemClock } from "../../../adapters/ops/system-clock.js";
import { CodedError } from "../../../domain/errors.js";
import { describeCatalog } from "../../source/catalog-source.js";
import { COMMAND_EXIT_CODES, type Output } from "../output.js";
import { parseCommandLine, UsageError } from "../parse-command-line.js";

const SILENT = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };

/** Says whether a catalog could be served, else everything that is wrong with it, and which events came to nothing. */
export async function validateCommand(args: readonly string[], output: Output): Promise<number> {
  const { positionals, values } = parseCommandLine(args, {
    positionals: ["catalog file"],
    options: { state: { type: "string" } },
  });
  const [file = ""] = positionals;
  try {
    const { model } = await readCatalogFile(file, new SystemClock(), new CatalogReader());
    output.out(`${file} can be served: ${describeCatalog(model)}`);
    if (values.state !== undefined) {
      for (const [name, count] of await unmatchedIn(values.state))
        if (!model.metersByEvent.has(name)) output.out(describeUnmatched(name, count));
    }
    return COMMAND_EXIT_CODES.valid;
  } catch (error) {
    if (error instanceof UnreadableFileError) throw new UsageError(error.message);
    if (!(error instanceof CodedError)) throw error;
    output.err(error.message);
    return COMMAND_EXIT_CODES.invalid;
  }
}

/** @throws UsageError where the file cannot be read: it belongs to the service that runs, and is neither locked nor written */
async function unmatchedIn(stateFile: string): Promise<ReadonlyMap<string, number>> {
  const ledger = new UsageLedger();
  try {
    for (const record of recordsOfStateFile(stateFile, await readOnce(stateFile), SILENT)) ledger.apply(record);
  } catch (error) {
    throw new UsageError(`the state file ${stateFile} cannot be read: ${(error as Error).message}`);
  }
  return ledger.unmatchedEvents();
}

function describeUnmatched(name: string, count: number): string {
  const which = name === OTHER_EVENTS ? "of further names" : JSON.stringify(name);
  const events = count === 1 ? "1 event" : `${count} events`;
  return `${events} ${which} came, and no meter names ${count === 1 ? "it" : "them"}: not counted as usage; add a meter, or stop sending what is not to be counted`;
}

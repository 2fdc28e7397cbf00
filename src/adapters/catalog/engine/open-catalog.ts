import { CodedError } from "../../../domain/errors.js";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import { DependencyState, type Telemetry } from "../../../ports/telemetry.js";
import type { FileContent } from "../../files/file-access.js";
import { placeOfFile } from "../../files/place-of-file.js";
import { CatalogReader, followCatalogFile, readCatalogFile } from "../file/catalog-file.js";
import type { CatalogInput } from "../file/catalog-input.js";
import { loadCatalogObject } from "../file/load-catalog.js";
import { FORGETFUL_LOG, type UsageLog } from "../ledger/counting-queue.js";
import { StateFileLock } from "../ledger/state-file-lock.js";
import { NODE_STATE_FILES } from "../ledger/state-files.js";
import { UsageJournal } from "../ledger/usage-journal.js";
import { UsageLedger } from "../ledger/usage-ledger.js";
import type { CatalogModel } from "../model/catalog-model.js";
import { CatalogEngine } from "./catalog-engine.js";

/** A file that is watched, or an object that is replaced by `engine.replace`. */
export type CatalogSource = { readonly file: string } | { readonly catalog: CatalogInput };

export interface OpenCatalogOptions {
  readonly source: CatalogSource;
  /** Where usage is kept across restarts; undefined: nowhere. */
  readonly stateFile?: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where reloads of the file are counted, and it is seen whether both files are of use. */
  readonly telemetry?: Telemetry | undefined;
}

/**
 * Reads a catalog and puts it to work, with the usage of the state file where there is one.
 *
 * @throws CodedError `invalid-argument` with every fault of the catalog, `failed-precondition` where the
 *   state file is damaged, in use or cannot be written
 */
export async function openCatalog({
  source,
  stateFile,
  clock,
  logger,
  telemetry,
}: OpenCatalogOptions): Promise<CatalogEngine> {
  const reader = new CatalogReader();
  const start = await readSource(source, clock, reader);
  const ledger = new UsageLedger();
  const log = stateFile === undefined ? FORGETFUL_LOG : await openJournal(stateFile, ledger, clock, logger, telemetry);
  const engine = new CatalogEngine(ledger, log, clock, logger);
  try {
    await engine.adopt(start.model);
    await engine.settled();
  } catch (error) {
    await engine.close();
    throw error;
  }
  if ("file" in source && start.content !== undefined) {
    const follower = followCatalogFile(
      { file: source.file, known: start.content, reader },
      engine,
      clock,
      logger,
      telemetry,
    );
    engine.onClose(async () => {
      await Promise.all([reader.close(), follower.close()]);
    });
  }
  return engine;
}

async function openJournal(
  stateFile: string,
  ledger: UsageLedger,
  clock: Clock,
  logger: Logger,
  telemetry: Telemetry | undefined,
): Promise<UsageLog> {
  const place = await placeOf(stateFile);
  const lock = await StateFileLock.acquire(place, clock);
  const state = telemetry && new DependencyState("state_file", telemetry.dependencies);
  return UsageJournal.open(place, ledger, NODE_STATE_FILES, lock, logger, state);
}

/** @throws CodedError `failed-precondition` where no file can be there */
async function placeOf(stateFile: string): Promise<string> {
  try {
    return await placeOfFile(stateFile);
  } catch (error) {
    throw new CodedError(
      "failed-precondition",
      `the state file ${stateFile} cannot be used: ${(error as Error).message}; name a file, or one that is not there yet`,
      { cause: error },
    );
  }
}

async function readSource(
  source: CatalogSource,
  clock: Clock,
  reader: CatalogReader,
): Promise<{ readonly model: CatalogModel; readonly content?: FileContent }> {
  return "file" in source ? readCatalogFile(source.file, clock, reader) : { model: loadCatalogObject(source.catalog) };
}

import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import { CatalogEngine } from "./catalog-engine.js";
import { CatalogReader } from "./catalog-reader.js";
import { followCatalogFile, readCatalogFile } from "./catalog-file.js";
import type { FileContent } from "../files/file-access.js";
import type { CatalogInput } from "./catalog-input.js";
import type { CatalogModel } from "./catalog-model.js";
import { loadCatalogObject } from "./load-catalog.js";
import { StateFileLock } from "./state-file-lock.js";
import { NODE_STATE_FILES } from "./state-files.js";
import { UsageJournal } from "./usage-journal.js";
import { UsageLedger } from "./usage-ledger.js";
import { FORGETFUL_LOG, type UsageLog } from "./usage-log.js";

/** A file that is watched, or an object that is replaced by `engine.replace`. */
export type CatalogSource = { readonly file: string } | { readonly catalog: CatalogInput };

export interface OpenCatalogOptions {
  readonly source: CatalogSource;
  /** Where usage is kept across restarts; undefined: nowhere. */
  readonly stateFile?: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Reads a catalog and puts it to work, with the usage of the state file where there is one.
 *
 * @throws CodedError `invalid-argument` with every fault of the catalog, `failed-precondition` where the
 *   state file is damaged, in use or cannot be written
 */
export async function openCatalog({ source, stateFile, clock, logger }: OpenCatalogOptions): Promise<CatalogEngine> {
  const reader = new CatalogReader();
  const start = await readSource(source, clock, reader);
  const ledger = new UsageLedger();
  const log = stateFile === undefined ? FORGETFUL_LOG : await openJournal(stateFile, ledger, clock, logger);
  const engine = new CatalogEngine(ledger, log, clock, logger);
  try {
    await engine.adopt(start.model);
    await engine.settled();
  } catch (error) {
    await engine.close();
    throw error;
  }
  if ("file" in source && start.content !== undefined) {
    const follower = followCatalogFile({ file: source.file, known: start.content, reader }, engine, clock, logger);
    engine.onClose(async () => {
      await Promise.all([reader.close(), follower.close()]);
    });
  }
  return engine;
}

async function openJournal(stateFile: string, ledger: UsageLedger, clock: Clock, logger: Logger): Promise<UsageLog> {
  const lock = await StateFileLock.acquire(stateFile, clock);
  return UsageJournal.open(stateFile, ledger, NODE_STATE_FILES, lock, logger);
}

async function readSource(
  source: CatalogSource,
  clock: Clock,
  reader: CatalogReader,
): Promise<{ readonly model: CatalogModel; readonly content?: FileContent }> {
  return "file" in source ? readCatalogFile(source.file, clock, reader) : { model: loadCatalogObject(source.catalog) };
}

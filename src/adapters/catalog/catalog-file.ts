import { CodedError } from "../../domain/errors.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { FileContent } from "../files/file-access.js";
import { FileFollower } from "../files/follow-file.js";
import { readSettledFile } from "../files/read-settled-file.js";
import type { CatalogEngine } from "./catalog-engine.js";
import type { CatalogModel } from "./catalog-model.js";
import { loadCatalogText } from "./load-catalog.js";

/** Some hundred thousand customers; beyond it a catalog file is the wrong tool. */
const MAX_BYTES = 64 * 1024 * 1024;

export interface CatalogFile {
  readonly content: FileContent;
  readonly model: CatalogModel;
}

/** @throws CodedError `invalid-argument` with file, line and remedy */
export async function readCatalogFile(file: string, clock: Clock): Promise<CatalogFile> {
  let content: FileContent;
  try {
    content = await readSettledFile(file, clock);
  } catch (error) {
    throw new CodedError("invalid-argument", `the catalog file ${file} cannot be read: ${(error as Error).message}; correct the path or its permissions`, { cause: error });
  }
  return { content, model: modelOf(file, content.bytes) };
}

/** Has the engine serve the file as it is, whenever it changes; one with a fault leaves the last good catalog serving. */
export function followCatalogFile(file: string, known: FileContent, engine: CatalogEngine, clock: Clock, logger: Logger): FileFollower {
  return new FileFollower({
    file,
    known,
    clock,
    listener: {
      changed({ bytes }) {
        try {
          const changedSubjects = engine.adopt(modelOf(file, bytes));
          logger.info("the catalog changed", { file, changedSubjects });
          return true;
        } catch (error) {
          const isFault = error instanceof CodedError;
          const fault = isFault ? error.message : `the catalog file ${file} could not be applied`;
          logger.error(`${fault}\nThe last good catalog goes on serving until the file is corrected.`, isFault ? { file } : { file, error });
          return false;
        }
      },
      unreadable(error) {
        logger.error(`the catalog file ${file} cannot be read any more; the last good catalog goes on serving until the file is back`, { file, error });
      },
      restless() {
        logger.warn(`the catalog file ${file} is being written all the time; the last good catalog goes on serving until the file rests`, { file });
      },
    },
  });
}

function modelOf(file: string, content: Buffer): CatalogModel {
  if (content.length > MAX_BYTES) {
    throw new CodedError("invalid-argument", `the catalog file ${file} has ${content.length} bytes; at most ${MAX_BYTES} are read, split the catalog`);
  }
  return loadCatalogText(file, decode(file, content));
}

function decode(file: string, content: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch (error) {
    throw new CodedError("invalid-argument", `the catalog file ${file} is not UTF-8 text; save it as UTF-8`, { cause: error });
  }
}

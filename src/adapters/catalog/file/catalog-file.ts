import { Worker } from "node:worker_threads";
import { CodedError, errorCodeOf } from "../../../domain/errors.js";
import type { Clock } from "../../../ports/clock.js";
import { type Logger, OutageLog } from "../../../ports/logger.js";
import { DependencyState, type Telemetry } from "../../../ports/telemetry.js";
import type { FileContent } from "../../files/file-access.js";
import type { FileFollower } from "../../files/follow-file.js";
import { followLastGood, readAtStart } from "../../files/last-good-file.js";
import type { CatalogEngine } from "../engine/catalog-engine.js";
import type { CatalogModel } from "../model/catalog-model.js";
import { unpackCatalog } from "../model/pack-catalog.js";
import { type ReadCatalog, readCatalog, type ReadReply, type ReadRequest } from "./load-catalog.js";

/** Up to here reading takes a few milliseconds, less than a worker takes to start; bytes. */
const MAX_INLINE_BYTES = 4 * 1024;

/** The same at start, when no check waits yet. */
const MAX_INLINE_AT_START_BYTES = 256 * 1024;

/** Reads catalogs, large ones beside the thread that answers checks: each in a worker of its own, whose memory ends with it. */
export class CatalogReader {
  #worker: Worker | undefined;

  /** @throws CodedError as readCatalog does, also where memory does not suffice, and `cancelled` where it is closed meanwhile */
  async read(request: ReadRequest): Promise<ReadCatalog> {
    if (request.bytes.length <= (request.served === undefined ? MAX_INLINE_AT_START_BYTES : MAX_INLINE_BYTES))
      return readCatalog(request);
    const reply = await this.#ask(request);
    if ("fault" in reply) throw new CodedError("invalid-argument", reply.fault);
    return reply.read;
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  async #ask(request: ReadRequest): Promise<ReadReply> {
    const { CATALOG_WORKER } = await import("../gen/catalog-worker-source.js");
    // From text and not from a file: it is found alike in a bundle, in a package, and where sources run as they are.
    const worker = new Worker(CATALOG_WORKER, { eval: true, name: "catalog", workerData: request, execArgv: [] });
    this.#worker = worker;
    try {
      return await new Promise<ReadReply>((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", (error) => reject(failureOf(error, request.file)));
        worker.once("exit", () =>
          reject(new CodedError("cancelled", `reading the catalog file ${request.file} was ended`)),
        );
      });
    } finally {
      this.#worker = undefined;
      void worker.terminate();
    }
  }
}

function failureOf(error: Error, file: string): Error {
  if ((error as NodeJS.ErrnoException).code !== "ERR_WORKER_OUT_OF_MEMORY") return error;
  return new CodedError(
    "invalid-argument",
    `the catalog file ${file} takes more memory to read than there is; write it as JSON, or give the process more`,
    { cause: error },
  );
}

interface CatalogFile {
  readonly content: FileContent;
  readonly model: CatalogModel;
}

const CALLED = "the catalog file";

/** @throws CodedError `invalid-argument` with file, line and remedy; UnreadableFileError, of the same code, where there is nothing to read */
export async function readCatalogFile(file: string, clock: Clock, reader: CatalogReader): Promise<CatalogFile> {
  const content = await readAtStart(file, CALLED, clock);
  const { packed } = await reader.read({ file, bytes: content.bytes, served: undefined });
  return { content, model: unpackCatalog(packed) };
}

/** Has the engine serve the file as it is, whenever it changes; one with a fault leaves the last good catalog serving. */
export function followCatalogFile(
  { file, known, reader }: { readonly file: string; readonly known: FileContent; readonly reader: CatalogReader },
  engine: CatalogEngine,
  clock: Clock,
  logger: Logger,
  telemetry?: Telemetry,
): FileFollower {
  const state = telemetry && new DependencyState("catalog_file", telemetry.dependencies);
  state?.set(true);
  if (telemetry !== undefined) telemetry.catalogLoadedAt = clock.now();
  const reloads = telemetry?.catalogReloads;
  return followLastGood({
    file,
    words: { called: CALLED, meanwhile: "the last good catalog goes on serving", changed: "the catalog changed" },
    known,
    clock,
    outage: new OutageLog(logger, state),
    take: async ({ bytes }) => {
      try {
        const { packed, difference } = await reader.read({ file, bytes, served: engine.served });
        const changedSubjects = await engine.adopt(unpackCatalog(packed), difference);
        if (reloads !== undefined) reloads.applied++;
        if (telemetry !== undefined) telemetry.catalogLoadedAt = clock.now();
        return { changedSubjects };
      } catch (error) {
        if (reloads !== undefined && errorCodeOf(error) !== "cancelled") reloads.refused++;
        throw error;
      }
    },
  });
}

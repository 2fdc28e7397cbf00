import { Worker } from "node:worker_threads";
import { CodedError } from "../../../domain/errors.js";
import { type ReadCatalog, readCatalog, type ReadReply, type ReadRequest } from "./read-catalog.js";

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

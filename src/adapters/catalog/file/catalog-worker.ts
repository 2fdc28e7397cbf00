import { parentPort, workerData } from "node:worker_threads";
import { CodedError } from "../../../domain/errors.js";
import { readCatalog, type ReadReply, type ReadRequest } from "./load-catalog.js";

parentPort?.postMessage(replyTo(workerData as ReadRequest));

function replyTo(request: ReadRequest): ReadReply {
  try {
    return { read: readCatalog(request) };
  } catch (error) {
    if (error instanceof CodedError) return { fault: error.message };
    throw error;
  }
}

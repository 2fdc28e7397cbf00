/**
 * The server that the Connect conformance suite starts, once for each set of features: it reads what it is to be from standard
 * input, and writes where it listens to standard output. Its one argument is a file with the descriptors of the suite's protos.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  create,
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createConnectRouter } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { TlsFiles } from "../../src/adapters/rpc/listener/tls-material.js";
import type { Logger } from "../../src/ports/logger.js";
import type { ServerCompatRequest } from "./conformance-messages.js";
import { conformanceService } from "./conformance-service.js";
import { mount } from "./mount.js";

const PACKAGE = "connectrpc.conformance.v1";
const LENGTH_BYTES = 4;
/** Larger than any of the suite's messages. */
const NO_LIMIT = 64 * 1024 * 1024;

/** Standard output is the suite's: what the port has to say goes where the suite shows it beside a failure. */
const logger: Logger = {
  error: (message, fields) => process.stderr.write(`error: ${message} ${inspect(fields)}\n`),
  warn: (message) => process.stderr.write(`warn: ${message}\n`),
  info: () => undefined,
  debug: () => undefined,
};

const [, , descriptors = ""] = process.argv;
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(descriptors)));
const request = fromBinary(messageNamed("ServerCompatRequest"), await readMessage()) as ServerCompatRequest;
const directory = await mkdtemp(join(tmpdir(), "conformance-server-"));
const receiveLimit = request.messageReceiveLimit === 0 ? NO_LIMIT : request.messageReceiveLimit;
const listener = mount(handlersFor(registry, receiveLimit), receiveLimit, await tlsFiles(request), logger);
const { port } = await listener.listen(0, "127.0.0.1");
await rm(directory, { recursive: true });
process.once("SIGTERM", () => {
  void listener.drain(0).finally(() => process.exit(0));
});
const response = messageNamed("ServerCompatResponse");
writeMessage(toBinary(response, create(response, { host: "127.0.0.1", port, pemCert: request.serverCreds?.cert })));

function handlersFor(protos: FileRegistry, readMaxBytes: number) {
  const service = protos.getService(`${PACKAGE}.ConformanceService`);
  if (service === undefined) throw new Error("the suite's protos have no ConformanceService");
  const router = createConnectRouter({
    acceptCompression: [compressionGzip, compressionBrotli],
    readMaxBytes,
    jsonOptions: { registry: protos },
  }).service(service, conformanceService(protos));
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

async function tlsFiles({ useTls, serverCreds, clientTlsCert }: ServerCompatRequest): Promise<TlsFiles | undefined> {
  if (!useTls || serverCreds === undefined) return undefined;
  return {
    certFile: await fileWith("server.crt", serverCreds.cert),
    keyFile: await fileWith("server.key", serverCreds.key),
    clientCaFile: clientTlsCert.length > 0 ? await fileWith("client-ca.crt", clientTlsCert) : undefined,
  };
}

async function fileWith(name: string, content: Uint8Array): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

function messageNamed(name: string): DescMessage {
  const found = registry.getMessage(`${PACKAGE}.${name}`);
  if (found === undefined) throw new Error(`the suite's protos have no message ${name}`);
  return found;
}

async function readMessage(): Promise<Uint8Array> {
  let received = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    received = Buffer.concat([received, chunk as Buffer]);
    if (received.length < LENGTH_BYTES) continue;
    const end = LENGTH_BYTES + received.readUInt32BE();
    if (received.length >= end) return received.subarray(LENGTH_BYTES, end);
  }
  throw new Error("standard input ended before it had said what to serve");
}

function writeMessage(message: Uint8Array): void {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(message.length);
  process.stdout.write(Buffer.concat([length, message]));
}

import { access, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { runCommand } from "../interop/run-command.js";
import { CACHE_DIRECTORY, REPOSITORY } from "../support/repository.js";

const MODULE = "connectrpc.com/conformance";
export const SUITE_VERSION = "v1.0.7";
const DIRECTORY = join(CACHE_DIRECTORY, `connect-conformance-${SUITE_VERSION}`);

/** What the port claims to be able to do. HTTP/1.1 cannot carry both directions at a time, and gRPC not at all. */
const FEATURES = {
  versions: ["HTTP_VERSION_1", "HTTP_VERSION_2"],
  protocols: ["PROTOCOL_CONNECT", "PROTOCOL_GRPC", "PROTOCOL_GRPC_WEB"],
  codecs: ["CODEC_PROTO", "CODEC_JSON"],
  compressions: ["COMPRESSION_IDENTITY", "COMPRESSION_GZIP", "COMPRESSION_BR"],
  streamTypes: [
    "STREAM_TYPE_UNARY",
    "STREAM_TYPE_CLIENT_STREAM",
    "STREAM_TYPE_SERVER_STREAM",
    "STREAM_TYPE_HALF_DUPLEX_BIDI_STREAM",
    "STREAM_TYPE_FULL_DUPLEX_BIDI_STREAM",
  ],
  supportsH2c: true,
  supportsTls: true,
  supportsTlsClientCerts: true,
  supportsTrailers: true,
  supportsHalfDuplexBidiOverHttp1: false,
  supportsConnectGet: true,
  supportsMessageReceiveLimit: true,
};

export interface ConnectProgram {
  readonly executable: string;
  /** The suite's configuration file. */
  readonly configuration: string;
  /** Run by Node, with its argument, as the server under test. */
  readonly server: readonly [script: string, descriptors: string];
}

/** Builds the suite by Go, which keeps it between runs, and the server that it tests from the sources of this checkout. */
export async function buildConnectProgram(): Promise<ConnectProgram> {
  await mkdir(DIRECTORY, { recursive: true });
  const executable = join(DIRECTORY, "connectconformance");
  const descriptors = join(DIRECTORY, "protos.binpb");
  // Written last: where it is, the program is too.
  if (!(await exists(descriptors))) {
    await runCommand("go", ["install", `${MODULE}/cmd/connectconformance@${SUITE_VERSION}`], {
      env: { GOBIN: DIRECTORY },
    });
    const download = await runCommand("go", ["mod", "download", "-json", `${MODULE}@${SUITE_VERSION}`], {
      cwd: DIRECTORY,
    });
    const { Dir: sources } = JSON.parse(download) as { readonly Dir: string };
    await runCommand("npx", ["--no", "buf", "build", join(sources, "proto"), "-o", descriptors], { cwd: REPOSITORY });
  }
  const configuration = join(DIRECTORY, "features.yaml");
  await writeFile(configuration, JSON.stringify({ features: FEATURES }));
  return { executable, configuration, server: [await bundledServer(), descriptors] };
}

/** With all that it needs in one file: the suite starts it dozens of times, and waits 10 s for each on whatever machine. */
async function bundledServer(): Promise<string> {
  const outfile = join(DIRECTORY, "conformance-server.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("conformance-server.ts", import.meta.url))],
    outfile,
    bundle: true,
    format: "esm",
    // Libraries in CommonJS ask for Node's own modules.
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module";\nconst require = requireFrom(import.meta.url);',
    },
    platform: "node",
    target: "node20.19",
    logLevel: "warning",
  });
  return outfile;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

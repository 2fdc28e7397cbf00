import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { create, type DescFile, type JsonObject, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { afterAll, describe, expect, test } from "@jest/globals";
import { file_stigg_sidecar_v1_sidecar } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { CONFORMANCE_CALLS } from "./harness/calls.js";
import { startRpcServer } from "./harness/rpc-server.js";
import { describeConformance, type Outcome } from "./harness/run-calls.js";

const run = promisify(execFile);
/** The program itself: npm's wrapper takes longer to start than it. */
const BUF = createRequire(createRequire(import.meta.url).resolve("@bufbuild/buf/package.json")).resolve(
  `@bufbuild/buf-${process.platform}-${process.arch}/bin/buf`,
);
const PROTOCOLS = ["grpc", "grpcweb", "connect"] as const;

const folder = mkdtempSync(join(tmpdir(), "buf-curl-"));
const schema = join(folder, "schema.binpb");
writeFileSync(
  schema,
  toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: protosOf(file_stigg_sidecar_v1_sidecar) })),
);
afterAll(() => rmSync(folder, { recursive: true }));

/** Reflection is asked before every call, so one call of each method is enough there. */
const ONE_OF_EACH = CONFORMANCE_CALLS.filter(
  (call, index) =>
    call.code === undefined && CONFORMANCE_CALLS.findIndex(({ method }) => method === call.method) === index,
);

for (const protocol of PROTOCOLS) {
  describeConformance(`buf curl: ${protocol}, with a schema`, ({ url }) => ({
    call: (method, request) =>
      bufCurl(`${url}/${method.parent.typeName}/${method.name}`, request, ["--protocol", protocol, "--schema", schema]),
  }));
  describeConformance(
    `buf curl: ${protocol}, by reflection`,
    ({ url }) => ({
      call: (method, request) =>
        bufCurl(`${url}/${method.parent.typeName}/${method.name}`, request, ["--protocol", protocol]),
    }),
    ONE_OF_EACH,
  );
}

describe("reflection", () => {
  test.each(["grpc-v1", "grpc-v1alpha"])("buf curl lists what is served, by %s", async (version) => {
    const server = await startRpcServer();
    const { stdout } = await run(BUF, [
      "curl",
      "--http2-prior-knowledge",
      "--reflect-protocol",
      version,
      "--list-services",
      server.url,
    ]);
    await server.stop();
    expect(stdout.trim().split("\n")).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "stigg.sidecar.v1.SidecarService",
    ]);
  });
});

async function bufCurl(url: string, request: JsonObject, options: readonly string[]): Promise<Outcome> {
  try {
    const { stdout, stderr } = await run(BUF, [
      "curl",
      "--verbose",
      "--http2-prior-knowledge",
      "--data",
      JSON.stringify(request),
      ...options,
      url,
    ]);
    const source = /x-entitlement-source: (\S+)/i.exec(stderr)?.[1];
    return { code: undefined, response: JSON.parse(stdout) as JsonValue, source };
  } catch (failure) {
    const { stderr } = failure as { readonly stderr: string };
    return JSON.parse(stderr.slice(stderr.lastIndexOf("\n{"))) as Outcome;
  }
}

function protosOf(file: DescFile): DescFile["proto"][] {
  return [...new Set([...file.dependencies.flatMap(protosOf), file.proto])];
}

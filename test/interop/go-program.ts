import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROTO_DIRECTORY, REPOSITORY } from "../support/repository.js";
import { runCommand, tryCommand } from "./run-command.js";

/** The published Go SDK. A later major version is a change of these two lines. */
const SDK_MODULE = "github.com/stiggio/sidecar-sdk-go/v7";
const SDK_VERSION = "v7.171.0";

/** What stubs of our own are made of, where the registry does not serve the SDK. */
const GRPC_VERSION = "v1.76.0";
const PROTOBUF_VERSION = "v1.36.10";
const PROTOC_GEN_GO_GRPC_VERSION = "v1.5.1";
const GO_VERSION = "1.24.0";

const SOURCES = fileURLToPath(new URL("go/", import.meta.url));
const MODULE_IN_SOURCES = /github\.com\/stiggio\/sidecar-sdk-go\/v\d+/g;
const STUBS_PACKAGE = "generated/stigg/sidecar/v1";

/** A registry's answer that it does not have or does not give a module, as opposed to not answering. */
const REFUSAL = /\b(40[34]|410|451)\b|not found|unknown revision/i;

export interface GoProgram {
  readonly executable: string;
  /** Which stubs it was built with. */
  readonly stubs: string;
}

/** Builds the client in `directory`: with the published SDK where that can be had, else with stubs of our proto. */
export async function buildGoProgram(directory: string): Promise<GoProgram> {
  const client = join(directory, "client");
  await cp(SOURCES, client, { recursive: true });
  for (const file of await readdir(client)) {
    const path = join(client, file);
    await writeFile(path, (await readFile(path, "utf8")).replaceAll(MODULE_IN_SOURCES, SDK_MODULE));
  }

  const refusal = await refusalOfPublishedSdk(directory);
  if (refusal !== undefined) await generateStubs(join(directory, "sdk"), join(directory, "bin"));
  const directives = [
    `require ${SDK_MODULE} ${SDK_VERSION}`,
    ...(refusal === undefined ? [] : [`replace ${SDK_MODULE} => ../sdk`]),
  ];
  await writeFile(join(client, "go.mod"), goMod("interop", directives));
  await runCommand("go", ["build", "-mod=mod", "-o", "interop-client", "."], { cwd: client });
  return {
    executable: join(client, "interop-client"),
    stubs:
      refusal === undefined
        ? `the published ${SDK_MODULE} ${SDK_VERSION}`
        : `stubs of our own proto, grpc-go ${GRPC_VERSION} (${SDK_MODULE} ${SDK_VERSION} is not to be had: ${refusal})`,
  };
}

/** @returns undefined where the module is cached now */
async function refusalOfPublishedSdk(directory: string): Promise<string | undefined> {
  const { code, stdout, stderr } = await tryCommand(
    "go",
    ["mod", "download", "-json", `${SDK_MODULE}@${SDK_VERSION}`],
    {
      cwd: directory,
    },
  );
  if (code === 0) return undefined;
  const reason = refusalIn(stdout) ?? stderr;
  if (!REFUSAL.test(reason)) throw new Error(`the Go module registry did not answer: ${reason}`);
  return reason.replace(/https?:\/\/\S+/g, "the registry:").replaceAll(/\s+/g, " ");
}

function refusalIn(output: string): string | undefined {
  const start = output.indexOf("{");
  return start < 0 ? undefined : (JSON.parse(output.slice(start)) as { readonly Error?: string }).Error;
}

async function generateStubs(directory: string, bin: string): Promise<void> {
  const env = { GOBIN: bin };
  await runCommand("go", ["install", `google.golang.org/protobuf/cmd/protoc-gen-go@${PROTOBUF_VERSION}`], { env });
  await runCommand("go", ["install", `google.golang.org/grpc/cmd/protoc-gen-go-grpc@${PROTOC_GEN_GO_GRPC_VERSION}`], {
    env,
  });
  const opt = [`module=${SDK_MODULE}`];
  const template = {
    version: "v2",
    managed: {
      enabled: true,
      override: [{ file_option: "go_package", path: "stigg", value: `${SDK_MODULE}/${STUBS_PACKAGE};sidecarv1` }],
    },
    plugins: [
      { local: join(bin, "protoc-gen-go"), out: ".", opt },
      { local: join(bin, "protoc-gen-go-grpc"), out: ".", opt },
    ],
  };
  await mkdir(directory);
  await runCommand(
    "npx",
    [
      "--no",
      "buf",
      "generate",
      "--template",
      JSON.stringify(template),
      "--output",
      directory,
      "--path",
      join(PROTO_DIRECTORY, "stigg"),
    ],
    { cwd: REPOSITORY },
  );
  const required = [
    `require google.golang.org/grpc ${GRPC_VERSION}`,
    `require google.golang.org/protobuf ${PROTOBUF_VERSION}`,
  ];
  await writeFile(join(directory, "go.mod"), goMod(SDK_MODULE, required));
}

function goMod(module: string, directives: readonly string[]): string {
  return [`module ${module}`, `go ${GO_VERSION}`, ...directives, ""].join("\n\n");
}

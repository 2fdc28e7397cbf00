import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { SampleAnswer } from "../load/sample-answers.js";
import { Child, REPO } from "./child.js";
import type { MeasuredServer } from "./server.js";

/** Echoes in other languages, built where their toolchains are. */
export const NATIVE_PEERS = {
  hyper: {
    name: "Rust hyper echo",
    sources: "hyper-echo",
    tool: "cargo",
    build: ["build", "--release", "--quiet", "--locked"],
    program: "target/release/hyper-echo",
  },
  "grpc-go": {
    name: "Go grpc-go echo",
    sources: "grpc-go-echo",
    tool: "go",
    build: ["build", "-o", "grpc-go-echo", "."],
    program: "grpc-go-echo",
  },
} as const;
export type NativePeerName = keyof typeof NATIVE_PEERS;

/** Outlives a run, and is gone with node_modules: a build takes minutes. */
const BUILT = resolve(REPO, "node_modules/.cache/entitlement-sidecar/bench-peers");

/** Why a peer cannot be built here; undefined where it was. */
export function buildNativePeer(peer: NativePeerName): string | undefined {
  const { sources, tool, build } = NATIVE_PEERS[peer];
  if (spawnSync(tool, ["version"]).error !== undefined) return `${tool} is not installed here`;
  const directory = join(BUILT, sources);
  mkdirSync(directory, { recursive: true });
  cpSync(resolve(REPO, "bench/peers", sources), directory, { recursive: true, preserveTimestamps: true });
  const { status, stderr } = spawnSync(tool, build, {
    cwd: directory,
    encoding: "utf8",
    env: { ...process.env, GOMAXPROCS: "2" },
  });
  return status === 0 ? undefined : `${tool} could not build it: ${stderr.trim().split("\n").at(-1) ?? ""}`;
}

/** @param answers what it answers, by path */
export async function startNativePeer(peer: NativePeerName, answers: readonly SampleAnswer[]): Promise<MeasuredServer> {
  const { name, sources, program } = NATIVE_PEERS[peer];
  const directory = mkdtempSync(join(tmpdir(), "bench-peer-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "answers.tsv");
  writeFileSync(file, answers.map(lineOf).join("\n"));
  // Go would start a thread for each processor of the machine, and measured servers have one.
  const child = new Child([join(BUILT, sources, program), file], { core: "server", env: { GOMAXPROCS: "1" } });
  const [line = ""] = await child.printed(/^\{.*"grpcPort".*\}$/m);
  const { grpcPort } = JSON.parse(line) as { readonly grpcPort: number };
  return { name, grpcPort, jsonPort: undefined, metricsPort: undefined, child };
}

function lineOf({ path, headers, message }: SampleAnswer): string {
  const fields = Object.entries(headers).map(([name, value]) => `${name}=${value}`);
  return [path, fields.join(";"), Buffer.from(message, "base64").toString("hex")].join("\t");
}

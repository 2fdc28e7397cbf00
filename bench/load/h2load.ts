import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "../processes/child.js";
import { type CallName, callsOf } from "./calls.js";

export interface H2loadJob {
  readonly port: number;
  readonly connections: number;
  readonly streams: number;
  readonly call: CallName;
  /** How much is asked: for so long after a second's warm-up, or so often. */
  readonly extent: { readonly measuredMs: number } | { readonly requests: number };
}

const GRPC_PREFIX_BYTES = 5;

export function hasH2load(): boolean {
  return spawnSync("h2load", ["--version"]).status === 0;
}

/**
 * What nghttp2's load generator reaches, which is written in C and asks for one key only.
 *
 * @returns answers a second
 */
export async function runH2load({ port, connections, streams, call, extent }: H2loadJob): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  const [{ path, message } = { path: "", message: { bytes: Buffer.alloc(0) } }] = callsOf([call]);
  const body = join(folder, "request");
  const prefix = Buffer.alloc(GRPC_PREFIX_BYTES);
  prefix.writeUInt32BE(message.bytes.length, 1);
  await writeFile(body, Buffer.concat([prefix, message.bytes]));
  const headers = ["content-type: application/grpc", "te: trailers", "grpc-timeout: 1S"].flatMap((header) => [
    "-H",
    header,
  ]);
  const howMuch =
    "requests" in extent
      ? ["-n", String(extent.requests)]
      : ["-D", String(Math.max(1, Math.round(extent.measuredMs / 1_000))), "--warm-up-time=1s"];
  const command = [
    "h2load",
    "-c",
    String(connections),
    "-m",
    String(streams),
    ...howMuch,
    "-d",
    body,
    ...headers,
    `http://127.0.0.1:${port}${path}`,
  ];
  const h2load = new Child(command, { core: "load" });
  try {
    const [, perSecond = ""] = await h2load.printed(/finished in [\d.]+\w+, ([\d.]+) req\/s/);
    return Number(perSecond);
  } finally {
    await h2load.stop();
    await rm(folder, { recursive: true });
  }
}

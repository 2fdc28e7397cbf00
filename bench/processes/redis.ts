import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.js";
import { freePort } from "./free-port.js";

export function hasRedis(): boolean {
  return spawnSync("redis-server", ["--version"]).status === 0;
}

/** A redis-server that keeps nothing on disk, beside the load generator. */
export class Redis {
  readonly port: number;
  readonly #child: Child;
  readonly #folder: string;

  private constructor(port: number, child: Child, folder: string) {
    this.port = port;
    this.#child = child;
    this.#folder = folder;
  }

  static async start(): Promise<Redis> {
    const folder = await mkdtemp(join(tmpdir(), "bench-"));
    const port = await freePort();
    const settings = { port: String(port), bind: "127.0.0.1", dir: folder, save: "", appendonly: "no" };
    const child = new Child(
      ["redis-server", ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])],
      { core: "load" },
    );
    await child.printed(/Ready to accept connections/);
    return new Redis(port, child, folder);
  }

  async stop(): Promise<void> {
    await this.#child.stop();
    await rm(this.#folder, { recursive: true });
  }
}

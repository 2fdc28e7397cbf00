import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { type Core, pinned } from "./cores.js";

export const REPO = resolve(import.meta.dirname, "../..");

const PART = resolve(import.meta.dirname, "part.js");
const MAX_KEPT_OUTPUT = 4_000;

export interface ChildOptions {
  readonly core: Core;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it speaks to the bench by Node's own channel. */
  readonly hasChannel?: boolean;
}

const running = new Set<ChildProcess>();

/** Whatever ends the bench ends its processes. */
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

/** A process of the bench's. Its end before it is stopped is a failure of whatever waits for it. */
export class Child {
  readonly process: ChildProcess;
  readonly #name: string;
  #output = "";
  #ended: string | undefined;
  readonly #watchers = new Set<() => void>();

  constructor(command: readonly string[], { core, env = {}, hasChannel = false }: ChildOptions) {
    const [file, ...args] = pinned(core, command);
    this.#name = command.slice(0, 3).join(" ");
    const spawned: ChildProcess = spawn(file, args, {
      cwd: REPO,
      env: { PATH: process.env["PATH"] ?? "", ...env },
      stdio: ["ignore", "pipe", "pipe", ...(hasChannel ? (["ipc"] as const) : [])],
    });
    this.process = spawned;
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-MAX_KEPT_OUTPUT);
        this.#look();
      });
    }
    running.add(spawned);
    spawned.once("close", () => running.delete(spawned));
    this.process.once("error", (error) => this.#end(error.message));
    this.process.once("close", (code, signal) => this.#end(`ended with ${code ?? signal ?? "nothing"}`));
  }

  /** A TypeScript module of the bench's, in a process of its own. */
  static part(
    file: string,
    exported: string,
    options: Omit<ChildOptions, "hasChannel">,
    nodeArguments: readonly string[] = [],
  ): Child {
    return new Child([process.execPath, ...nodeArguments, PART, resolve(REPO, "bench", file), exported], {
      ...options,
      hasChannel: true,
    });
  }

  /** Resolves with the first match in what it prints. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#until(() => pattern.exec(this.#output) ?? undefined);
  }

  /** The next message that it sends. */
  async message(): Promise<unknown> {
    let received: { readonly value: unknown } | undefined;
    const onMessage = (value: unknown) => {
      received ??= { value };
      this.#look();
    };
    this.process.once("message", onMessage);
    const { value } = await this.#until(() => received);
    return value;
  }

  send(message: object): void {
    this.process.send(message);
  }

  async stop(): Promise<void> {
    if (this.#ended !== undefined) return;
    const closed = once(this.process, "close");
    this.process.kill("SIGKILL");
    await closed;
  }

  /** Taskset becomes the command that it starts, so this is the command's own number. */
  get pid(): number {
    return this.process.pid ?? 0;
  }

  #until<T>(look: () => T | undefined): Promise<T> {
    return new Promise((done, fail) => {
      const watcher = () => {
        const found = look();
        if (found === undefined && this.#ended === undefined) return;
        this.#watchers.delete(watcher);
        if (found === undefined) fail(new Error(`${this.#name} ${this.#ended ?? ""}:\n${this.#output}`));
        else done(found);
      };
      this.#watchers.add(watcher);
      watcher();
    });
  }

  #end(how: string): void {
    this.#ended ??= how;
    this.#look();
  }

  #look(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

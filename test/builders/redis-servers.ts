import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis, type RedisOptions } from "ioredis";

export interface RedisServerOptions {
  readonly port?: number;
  readonly password?: string;
  /** Speaks TLS alone. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly caFile: string };
  /** As Redis writes it, for example "4mb". */
  readonly maxmemory?: string;
  readonly replicaOf?: { readonly port: number };
  /** Further lines of redis.conf, by directive. */
  readonly config?: Readonly<Record<string, string>>;
  readonly isSentinel?: boolean;
}

const HOST = "127.0.0.1";
const MAX_STARTS = 5;
const running = new Set<ChildProcess>();
const directories = new Set<string>();

// A worker that is ended in the middle of a test runs no afterEach.
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A real redis-server in a process of its own, in memory alone. */
export class RedisServer {
  readonly host = HOST;
  readonly port: number;
  readonly #options: RedisServerOptions;
  readonly #directory = mkdtempSync(join(tmpdir(), "redis-"));
  readonly #clients = new Set<Redis>();
  #child: ChildProcess | undefined;
  #admin: Redis | undefined;

  constructor(port: number, options: RedisServerOptions) {
    this.port = port;
    this.#options = options;
    directories.add(this.#directory);
    writeFileSync(join(this.#directory, "redis.conf"), this.#configuration());
  }

  get address(): string {
    return `${HOST}:${this.port}`;
  }

  /** Of the process that runs now; undefined while none does. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What another server needs to hand keys over. */
  get migrationAccess(): readonly string[] {
    return this.#options.password === undefined ? [] : ["AUTH", this.#options.password];
  }

  /** Resolves once connections are accepted; false where the port was taken meanwhile. */
  async start(): Promise<boolean> {
    const mode = this.#options.isSentinel === true ? ["--sentinel"] : [];
    const child = spawn("redis-server", [join(this.#directory, "redis.conf"), ...mode], {
      cwd: this.#directory,
      stdio: ["ignore", "pipe", "inherit"],
    });
    running.add(child);
    child.once("exit", () => running.delete(child));
    this.#child = child;
    return startsUp(child);
  }

  /** Ends the process as a crash does: without a word to anyone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** After `kill`, or instead of it: at the same port, knowing nothing of what it knew. */
  async restartEmpty(): Promise<void> {
    await this.kill();
    if (!(await this.start())) throw new Error(`redis-server cannot have its port ${this.port} again`);
  }

  /** After `kill`, or instead of it: at the same port, with what it had when it was last told to SAVE. */
  async restartWithData(): Promise<void> {
    await this.restartEmpty();
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** From now on connections are accepted by the kernel, and nothing is answered. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  /** An ordinary client, for a test to look and to write with. Lasts as long as the server. */
  get admin(): Redis {
    return (this.#admin ??= this.client());
  }

  /** One more client. Lasts as long as the server. */
  client(options: RedisOptions = {}): Redis {
    const client = new Redis({
      host: HOST,
      port: this.port,
      ...this.#credentials(),
      // Else a client that has lost its connection keeps a timer for 2 s behind its end, and the process of the tests with it.
      disconnectTimeout: 0,
      ...options,
    } as RedisOptions & { replyMapping?: never });
    client.on("error", () => {});
    this.#clients.add(client);
    return client;
  }

  async stop(): Promise<void> {
    this.#clients.forEach((client) => client.disconnect());
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
    directories.delete(this.#directory);
  }

  #credentials(): RedisOptions {
    const { password, tls } = this.#options;
    return {
      ...(password === undefined || this.#options.isSentinel === true ? {} : { password }),
      ...(tls === undefined ? {} : { tls: { rejectUnauthorized: false } }),
    };
  }

  #configuration(): string {
    const { password, tls, maxmemory, replicaOf, config = {}, isSentinel = false } = this.#options;
    const lines: Record<string, string> = { bind: HOST, dir: this.#directory, "protected-mode": "no", daemonize: "no" };
    if (tls === undefined) lines["port"] = String(this.port);
    else {
      Object.assign(lines, {
        port: "0",
        "tls-port": String(this.port),
        "tls-cert-file": tls.certFile,
        "tls-key-file": tls.keyFile,
      });
      Object.assign(lines, { "tls-ca-cert-file": tls.caFile, "tls-auth-clients": "no" });
    }
    if (!isSentinel) {
      Object.assign(lines, {
        save: '""',
        appendonly: "no",
        "repl-diskless-sync-delay": "0",
        "enable-debug-command": "yes",
      });
      if (password !== undefined) Object.assign(lines, { requirepass: password, masterauth: password });
      if (maxmemory !== undefined) Object.assign(lines, { maxmemory, "maxmemory-policy": "noeviction" });
      if (replicaOf !== undefined) lines["replicaof"] = `${HOST} ${replicaOf.port}`;
    }
    return Object.entries({ ...lines, ...config })
      .map(([directive, value]) => `${directive} ${value}\n`)
      .join("");
  }
}

/** Starts a redis-server at a free port, or at a given one. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let starts = 1; ; starts++) {
    const server = new RedisServer(options.port ?? (await freePort()), options);
    if (await server.start()) return server;
    await server.stop();
    if (options.port !== undefined || starts === MAX_STARTS)
      throw new Error(`redis-server does not start at port ${server.port}`);
  }
}

/** A port that nobody has for now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function startsUp(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let written = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      written += text;
      if (/Ready to accept connections|Sentinel ID is|\+monitor master/.test(written)) resolve(true);
    });
    child.once("error", (error) =>
      reject(new Error("redis-server cannot be run: these tests need version 7 on the PATH", { cause: error })),
    );
    child.once("exit", () => {
      if (/Address already in use|Failed listening/.test(written)) resolve(false);
      else reject(new Error(`redis-server ended at once:\n${written}`));
    });
  });
}

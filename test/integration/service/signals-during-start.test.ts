import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { PERSISTENT_CACHE, ServiceProcess } from "./service-process.js";

const REPO = resolve(import.meta.dirname, "../../..");
const CLI = join(REPO, "dist/bootstrap/cli.js");
const CATALOG = join(REPO, "examples/catalog.yaml");
const HOST = { LISTEN_HOST: "127.0.0.1", GRPC_PORT: "0", METRICS_PORT: "0", SHUTDOWN_LINGER_MS: "0" };
/** Caught by nothing but the program's own handlers, which are all there once this one is; as a bit of a mask. */
const SIGHUP = 1;

interface Service {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const SERVICES: readonly Service[] = [
  { name: "serve", program: CLI, args: ["serve"], environment: { ...HOST, CATALOG_FILE: CATALOG } },
  {
    name: "serve, from upstream and with Redis",
    program: CLI,
    args: [],
    environment: {
      ...HOST,
      SERVER_API_KEY: "key",
      API_URL: "http://127.0.0.1:1",
      EDGE_API_URL: "http://127.0.0.1:1",
      REDIS_ENVIRONMENT_PREFIX: "e",
      REDIS_HOST: "127.0.0.1",
      REDIS_PORT: "1",
    },
  },
  { name: "emulate", program: CLI, args: ["emulate", "--catalog", CATALOG, "--port", "0"], environment: {} },
  {
    name: "persistent-cache-service",
    program: PERSISTENT_CACHE,
    args: [],
    environment: {
      AWS_REGION: "eu-west-1",
      QUEUE_URL: "http://127.0.0.1:1/q",
      SERVER_API_KEY: "key",
      REDIS_HOST: "127.0.0.1",
      REDIS_PORT: "1",
      PORT: "0",
    },
  },
];

function catches(pid: number, signalBit: number): boolean {
  try {
    const mask = /^SigCgt:\s*([\da-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
    return (BigInt(`0x${mask}`) & BigInt(signalBit)) !== 0n;
  } catch {
    return false;
  }
}

async function handlersOf(pid: number): Promise<void> {
  while (!catches(pid, SIGHUP)) await elapse(1);
}

/** What an entry has loaded before its first line runs. */
function loadedFirst(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, path = ""] of readFileSync(file, "utf8").matchAll(
    /^(?:import\s*(?:[^"';]*from\s*)?|\} from )"(\.[^"]+)"/gm,
  ))
    loadedFirst(join(dirname(file), path), seen);
  return seen;
}

describe.each(SERVICES)("$name", ({ program, args, environment }) => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "ends by %s as soon as it can know of it, and a hang-up before that does not end it",
    async (signal) => {
      const service = new ServiceProcess(args, environment, REPO, program);
      const { pid = 0 } = service.child;
      await handlersOf(pid);
      service.child.kill("SIGHUP");
      service.child.kill(signal);
      expect(await service.ended).toMatchObject({ code: 0, signal: null });
    },
  );

  it("loads nothing before it listens for signals", () => {
    const bytes = [...loadedFirst(program)].reduce((sum, file) => sum + readFileSync(file).length, 0);
    expect(bytes).toBeLessThan(10_000);
  });
});

describe("as the first process of a container", () => {
  const NAMESPACE = ["--pid", "--fork", "--kill-child", "--mount-proc"];
  const isAllowed = process.platform === "linux" && spawnSync("unshare", [...NAMESPACE, "true"]).status === 0;

  (isAllowed ? it : it.skip).each(SERVICES)(
    "$name ends by SIGTERM while it starts",
    async ({ program, args, environment }) => {
      const outer = spawn("unshare", [...NAMESPACE, process.execPath, program, ...args], {
        cwd: REPO,
        env: { PATH: process.env["PATH"], ...environment },
        stdio: "ignore",
      });
      const ended = once(outer, "close");
      const { pid = 0 } = outer;
      let inner = NaN;
      while (Number.isNaN(inner)) {
        inner = parseInt(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"), 10);
        await elapse(1);
      }
      await handlersOf(inner);
      process.kill(inner, "SIGTERM");
      expect(await ended).toEqual([0, null]);
    },
  );
});

describe("a command that ends by itself", () => {
  it("is ended by a signal with the code that a shell gives to it", async () => {
    const asked = new ServiceProcess(["check", "c", "f", "--address", "127.0.0.1:9", "--timeout", "60000"], {
      NODE_OPTIONS: `--import=${hold()}`,
    });
    await asked.printed(/held/);
    asked.child.kill("SIGTERM");
    expect(await asked.ended).toMatchObject({ code: 143, signal: null });
  });

  /** Keeps the process from coming to its end, and says when its handlers are there. */
  function hold(): string {
    const code = `process.on("newListener", (name) => { if (name === "SIGTERM") setTimeout(() => { process.stdout.write("held"); for (const end = Date.now() + 500; Date.now() < end;); }, 0); });`;
    return `data:text/javascript,${encodeURIComponent(code)}`;
  }
});

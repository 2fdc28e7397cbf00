import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";
import { resolve } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { ServiceProcess } from "./service-process.js";

const REPO = resolve(import.meta.dirname, "../../..");
const CATALOG = resolve(REPO, "examples/catalog.yaml");
const FRAGMENTED_HEAP = resolve(import.meta.dirname, "../../fixtures/fragmented-heap.mjs");
const ENVIRONMENT = {
  LISTEN_HOST: "127.0.0.1",
  GRPC_PORT: "0",
  METRICS_PORT: "0",
  SHUTDOWN_LINGER_MS: "0",
  START_MESSAGE: "json",
  CATALOG_FILE: CATALOG,
};

const processes: ServiceProcess[] = [];

afterEach(async () => {
  for (const process of processes.splice(0)) {
    process.child.kill("SIGKILL");
    await process.ended;
  }
});

describe("a collection of the old generation", () => {
  (process.platform === "linux" ? it : it.skip).each([
    { given: 0, yielding: 10 },
    { given: 5, yielding: 15 },
    { given: 15, yielding: 19 },
  ])(
    "is helped by threads that yield to the one that answers checks, where that has niceness $given",
    async ({ given, yielding }) => {
      const sidecar = started(["serve"], {});
      setPriority(sidecar.child.pid ?? 0, given);
      await sidecar.started();

      const threads = threadsOf(sidecar.child.pid ?? 0);

      const main = threads.find(({ id }) => id === sidecar.child.pid);
      const helpers = threads.filter(({ niceness }) => niceness === yielding);
      expect(main?.niceness).toBe(given);
      // As many as V8 has by default.
      expect(helpers.length).toBeGreaterThanOrEqual(4);
      // Where threads have names, it is known which are V8's.
      if (threads.some(({ name }) => name === "V8Worker"))
        expect(new Set(helpers.map(({ name }) => name))).toEqual(new Set(["V8Worker"]));
    },
  );

  it("moves nothing that is held", async () => {
    const sidecar = started(["serve"], { NODE_OPTIONS: `--import=${FRAGMENTED_HEAP}` });
    await sidecar.started();
    const atStart = sidecar.stdout;

    sidecar.child.kill("SIGUSR2");
    await sidecar.printed(/^collected$/m);

    expect(sidecar.stdout.slice(atStart.length)).not.toContain("Evacuation candidate");
  });

  it("would otherwise, as it does in a process that does not answer checks", async () => {
    const emulator = started(["emulate", "--catalog", CATALOG, "--port", "0"], {
      NODE_OPTIONS: `--import=${FRAGMENTED_HEAP}`,
    });
    await emulator.printed(/http:/);

    emulator.child.kill("SIGUSR2");
    await emulator.printed(/^collected$/m);

    expect(emulator.stdout).toContain("Evacuation candidate");
  });
});

function started(args: readonly string[], environment: Readonly<Record<string, string>>): ServiceProcess {
  const service = new ServiceProcess(args, { ...ENVIRONMENT, ...environment });
  processes.push(service);
  return service;
}

interface Thread {
  readonly id: number;
  readonly name: string;
  readonly niceness: number;
}

/** By what the system tells of a process's threads (proc(5), /proc/pid/stat). */
function threadsOf(pid: number): readonly Thread[] {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).map((id) => {
    const [, name = "", rest = ""] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`${tasks}/${id}/stat`, "utf8")) ?? [];
    return { id: Number(id), name, niceness: Number(rest.split(" ")[NICENESS]) };
  });
}

/** The 19th of all fields, of which the first two stand before these. */
const NICENESS = 16;

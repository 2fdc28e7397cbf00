import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { FALLBACKS } from "../../../src/bootstrap/cli/conformance/cases/fallback-cases.js";
import { startQueueServer } from "../../builders/queue-server.js";
import { startRedis } from "../../builders/redis-servers.js";
import { onTestFinished } from "../../support/on-test-finished.js";
import { PERSISTENT_CACHE, runToEnd, ServiceProcess } from "../service/service-process.js";
import { BROKEN_SIDECARS, type BrokenSidecar, buildBroken } from "./broken-sidecars.js";

interface Result {
  readonly area: string;
  readonly title: string;
  readonly protocol: string;
  readonly outcome: "ok" | "failed" | "skipped";
  readonly message?: string;
}

let folder: string;
let emulator: ServiceProcess;
let emulatorUrl: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "conformance-"));
  [emulator, emulatorUrl] = await startEmulator();
});

afterAll(async () => {
  emulator.child.kill("SIGKILL");
  await emulator.ended;
  rmSync(folder, { recursive: true, force: true });
});

/** @returns the process, and where it is asked */
async function startEmulator(): Promise<readonly [ServiceProcess, string]> {
  const started = new ServiceProcess(["emulate", "--catalog", "examples/catalog.yaml", "--port", "0", "--control"], {});
  const [, url = ""] = await started.printed(/ API_URL=(\S+)/);
  return [started, url];
}

/** What finds the emulator. */
const upstream = (url: string) => ({
  SERVER_API_KEY: "any",
  API_URL: url,
  EDGE_API_URL: url,
  WS_URL: url.replace("http", "ws"),
});

/** A sidecar in a process of its own, whose upstream is the emulator. @returns its port */
async function sidecar(environment: Readonly<Record<string, string>> = {}): Promise<number> {
  const service = startSidecar({ ...upstream(emulatorUrl), ...environment });
  endWithTest(service);
  return (await service.started()).grpcPort;
}

function startSidecar(environment: Readonly<Record<string, string>>, program?: string): ServiceProcess {
  return new ServiceProcess(
    ["serve"],
    {
      LISTEN_HOST: "127.0.0.1",
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      ENTITLEMENTS_FALLBACK: JSON.stringify(FALLBACKS),
      ...environment,
    },
    undefined,
    program,
  );
}

function endWithTest(service: ServiceProcess): void {
  onTestFinished(async () => {
    service.child.kill("SIGKILL");
    await service.ended;
  });
}

async function conformance(port: number, ...options: readonly string[]) {
  const control = options.includes("--control") ? [] : ["--control", emulatorUrl];
  const file = join(folder, `${port}.json`);
  const { code, stdout, stderr } = await runToEnd([
    "conformance",
    `127.0.0.1:${port}`,
    "--json",
    file,
    ...control,
    ...options,
  ]);
  expect(stderr).toBe("");
  const { conforms, cases } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly conforms: boolean;
    readonly cases: readonly Result[];
  };
  const failed = cases.filter(({ outcome }) => outcome === "failed");
  return { code, stdout, conforms, cases, failed };
}

describe("our sidecar conforms", () => {
  it("with its states in memory", async () => {
    const { code, stdout, conforms, cases, failed } = await conformance(await sidecar());
    expect(failed).toEqual([]);
    expect({ code, conforms }).toEqual({ code: 0, conforms: true });
    expect(stdout).toContain(`${cases.length} cases: ${cases.length} ok, 0 failed, 0 skipped`);
    expect(new Set(cases.map(({ protocol }) => protocol))).toEqual(new Set(["grpc", "json"]));
  });

  /** @returns what finds it */
  async function redis(): Promise<Readonly<Record<string, string>>> {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    return { REDIS_ENVIRONMENT_PREFIX: "conformance", REDIS_HOST: server.host, REDIS_PORT: String(server.port) };
  }

  it("with its states in Redis, and the stream", async () => {
    const { code, failed } = await conformance(await sidecar({ ...(await redis()), WS_ENABLED: "true" }));
    expect(failed).toEqual([]);
    expect(code).toBe(0);
  });

  it("with its states in Redis, kept fresh by the persistent-cache service", async () => {
    const queues = await startQueueServer();
    onTestFinished(() => queues.stop());
    const queue = queues.createQueue();
    const ofAll = new ServiceProcess(
      ["emulate", "--catalog", "examples/catalog.yaml", "--port", "0", "--control", "--queue-url", queue.url],
      queues.environment,
    );
    endWithTest(ofAll);
    const [, url = ""] = await ofAll.printed(/ API_URL=(\S+)/);
    const shared = await redis();
    const service = new ServiceProcess(
      [],
      { ...upstream(url), ...queues.environment, ...shared, QUEUE_URL: queue.url, PORT: "0" },
      undefined,
      PERSISTENT_CACHE,
    );
    endWithTest(service);
    const port = await sidecar({ ...upstream(url), ...shared });
    const { code, failed } = await conformance(port, "--control", url);
    expect(failed).toEqual([]);
    expect(code).toBe(0);
  });
});

describe("a broken one fails case by case", () => {
  const processes: ServiceProcess[] = [];
  let runs: Map<BrokenSidecar, PromiseSettledResult<Awaited<ReturnType<typeof conformance>>>>;

  // All beside each other, each with an emulator of its own: a run is mostly waiting.
  beforeAll(async () => {
    const settled = await Promise.allSettled(BROKEN_SIDECARS.map(runBroken));
    runs = new Map(BROKEN_SIDECARS.map((broken, index) => [broken, settled[index]!]));
  });

  afterAll(async () => {
    for (const { child } of processes) child.kill("SIGKILL");
    await Promise.all(processes.map(({ ended }) => ended));
  });

  async function runBroken(broken: BrokenSidecar) {
    const program = await buildBroken(broken);
    const [itsEmulator, url] = await startEmulator();
    const service = startSidecar(upstream(url), program);
    processes.push(itsEmulator, service);
    // What never comes need not be waited for: what comes, comes in milliseconds.
    return conformance((await service.started()).grpcPort, "--patience", "2000", "--control", url);
  }

  it.each(BROKEN_SIDECARS)("$name", (broken) => {
    const run = runs.get(broken);
    if (run?.status !== "fulfilled") throw run?.reason;
    const { code, stdout, conforms, cases, failed } = run.value;
    for (const protocol of ["grpc", "json"])
      expect(failed.filter((each) => each.protocol === protocol).map(({ area, title }) => `${area}: ${title}`)).toEqual(
        broken.breaks,
      );
    expect({ code, conforms }).toEqual({ code: 1, conforms: false });
    expect(stdout).toContain(`${cases.length - failed.length} ok, ${failed.length} failed, 0 skipped`);
  });
});

describe("the command", () => {
  it("writes JUnit's report", async () => {
    const port = await sidecar();
    const junit = join(folder, "junit.xml");
    await conformance(port, "--junit", junit, "--only", "health: ", "--protocols", "grpc");
    const text = readFileSync(junit, "utf8");
    expect(text).toMatch(
      /<testsuite name="http:\/\/127\.0\.0\.1:\d+ by grpc" tests="2" failures="0" errors="0" skipped="0"/,
    );
    expect(text).toMatch(/<testcase classname="health" name="the process is serving" time="[\d.]+"\/>/);
  });

  it("skips what it would have to be configured for", async () => {
    const { code, cases } = await conformance(await sidecar({ ENTITLEMENTS_FALLBACK: "{}" }), "--without-fallbacks");
    expect(code).toBe(0);
    expect(cases.filter(({ outcome }) => outcome === "skipped")).toHaveLength(16);
  });

  it("gives the emulator its file back", async () => {
    const known = () =>
      fetch(`${emulatorUrl}/v1/c/customer-demo/entitlements-state.json`, { headers: { "x-api-key": "any" } }).then(
        (response) => response.text(),
      );
    expect(await known()).toContain('"seats"');
    await conformance(await sidecar(), "--only", "health: ");
    expect(await known()).toContain('"seats"');
  });

  it("finds that nothing answers, case by case", async () => {
    const { code, failed } = await conformance(1, "--only", "health: ");
    expect(code).toBe(1);
    expect(failed).toHaveLength(4);
  });

  it.each<[what: string, args: readonly string[], code: number, message: string]>([
    ["an address", ["--control", "localhost:1"], 2, "missing: <host:port>"],
    ["an emulator", ["localhost:1"], 2, "missing: --control"],
    ["an emulator that is there", ["localhost:1", "--control", "localhost:1"], 2, "no emulator answers at"],
    [
      "a protocol that there is",
      ["localhost:1", "--control", "localhost:1", "--protocols", "soap"],
      2,
      "grpc and json",
    ],
    ["cases that there are", ["localhost:1", "--control", "localhost:1", "--only", "no such case"], 2, "no case has"],
  ])("needs %s", async (_, args, code, message) => {
    const ended = await runToEnd(["conformance", ...args]);
    expect(ended).toMatchObject({ code, stderr: expect.stringContaining(message) });
  });

  it("needs an emulator that can be controlled", async () => {
    const uncontrolled = new ServiceProcess(["emulate", "--catalog", "examples/catalog.yaml", "--port", "0"], {});
    endWithTest(uncontrolled);
    const [, url = ""] = await uncontrolled.printed(/ API_URL=(\S+)/);
    const ended = await runToEnd(["conformance", "localhost:1", "--control", url]);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining("start it with --control") });
  });

  it("lists its cases, and the fallbacks that some need", async () => {
    const { stdout: listed } = await runToEnd(["conformance", "--list"]);
    const names = listed.trim().split("\n");
    expect(new Set(names).size).toBe(names.length);
    const { stdout: fallbacks } = await runToEnd(["conformance", "--print-fallbacks"]);
    expect(JSON.parse(fallbacks.trim().replace("ENTITLEMENTS_FALLBACK=", ""))).toEqual(FALLBACKS);
  });
});

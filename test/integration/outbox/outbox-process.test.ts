import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { DirectoryDisk } from "../../../src/adapters/outbox/outbox-disk.js";
import { readOutbox } from "../../../src/adapters/outbox/read-outbox.js";
import { API_KEY, emulateCatalog, type EmulatedCatalog } from "../../fakes/emulated-catalog.js";
import { SeededRandom } from "../../faults/seeded-random.js";
import { eventually } from "../../support/expectations.js";
import { runToEnd, ServiceProcess } from "../service/service-process.js";

/** How often the process is killed; `npm run outbox:kills` has it be 100 times. */
const KILLS = Number(process.env["OUTBOX_KILLS"] ?? 3);
const ANSWER_MS = 10_000;
const CUSTOMERS = ["a", "b", "c"];
const CATALOG = {
  features: [
    { id: "calls", kind: "metered" as const },
    { id: "clicks", kind: "metered" as const, meter: { event: "click" } },
  ],
  plans: [{ id: "pro", entitlements: { calls: 100_000, clicks: 100_000 } }],
  customers: [
    ...CUSTOMERS.map((id) => ({ id, plan: "pro" })),
    { id: "former", plan: "pro", archived: true },
    { id: "full", plan: "pro", usage: { calls: 99_998 } },
  ],
};

let upstream: EmulatedCatalog;
let directory: string;
const running: ServiceProcess[] = [];

beforeAll(async () => {
  upstream = await emulateCatalog(CATALOG);
  directory = await mkdtemp(join(tmpdir(), "outbox-"));
});

afterEach(async () => {
  upstream.emulator.faults.clear();
  for (const service of running.splice(0)) {
    service.child.kill("SIGKILL");
    await service.ended;
  }
});

afterAll(async () => {
  await upstream.stop();
  await rm(directory, { recursive: true });
});

function environment(name: string): Record<string, string> {
  const { url, wsUrl } = upstream.emulator;
  const common = {
    SERVER_API_KEY: API_KEY,
    API_URL: url,
    EDGE_API_URL: url,
    WS_URL: wsUrl,
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    LISTEN_HOST: "127.0.0.1",
    START_MESSAGE: "json",
  };
  return {
    ...common,
    USAGE_OUTBOX_DIR: join(directory, name),
    USAGE_DURABILITY: "process",
    USAGE_REPORTS_PER_MINUTE: "100000",
    USAGE_BULKS_PER_MINUTE: "100000",
    SHUTDOWN_LINGER_MS: "0",
  };
}

async function serve(
  name: string,
  more: Record<string, string> = {},
): Promise<{ readonly service: ServiceProcess; readonly port: number; readonly metricsPort: number }> {
  const service = new ServiceProcess(["serve"], { ...environment(name), ...more });
  running.push(service);
  const { grpcPort, metricsPort } = await service.started();
  return { service, port: grpcPort, metricsPort };
}

function call(port: number, method: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/stigg.sidecar.v1.SidecarService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
    // Of a process that is killed an answer may never come, nor a word that it does not.
    signal: AbortSignal.timeout(ANSWER_MS),
  });
}

function pending(name: string): number {
  return readOutbox(new DirectoryDisk(join(directory, name))).state.pending;
}

const used = (customerId: string, featureId = "calls") =>
  upstream.engine.stateOf({ customerId }).featureUsage(featureId).currentUsage;

/** Whether the report was acknowledged. Sent again, it is the same. */
async function isTaken(port: number, { customerId, featureId, key }: Sent): Promise<boolean> {
  const answer = await (
    featureId === "calls"
      ? call(port, "ReportUsage", { customerId, featureId, value: 1 }, { "idempotency-key": key })
      : call(port, "ReportEvents", { events: [{ customerId, eventName: "click", idempotencyKey: key }] })
  ).catch(() => undefined);
  return answer?.status === 200;
}

interface Sent {
  readonly customerId: string;
  readonly featureId: string;
  readonly key: string;
}

describe("a sidecar with an outbox", () => {
  it("answers as soon as a report is safe, counts it in checks, and delivers it once upstream is back", async () => {
    const { port } = await serve("away");
    const check = { customerId: "full", featureId: "calls", options: { requestedUsage: 1 } };
    expect(await (await call(port, "GetMeteredEntitlement", check)).json()).toMatchObject({ hasAccess: true });
    await upstream.emulator.faults.goDown();
    const report = await call(
      port,
      "ReportUsage",
      { customerId: "full", featureId: "calls", value: 2 },
      { "idempotency-key": "two" },
    );
    expect([report.status, report.headers.get("x-usage-state")]).toEqual([200, "accepted"]);
    expect(await report.json()).toMatchObject({ currentUsage: 100_000 });
    const again = await call(
      port,
      "ReportUsage",
      { customerId: "full", featureId: "calls", value: 2 },
      { "idempotency-key": "two" },
    );
    expect(await again.json()).toMatchObject({ currentUsage: 100_000 });
    expect(await (await call(port, "GetMeteredEntitlement", check)).json()).toMatchObject({
      accessDeniedReason: "ACCESS_DENIED_REASON_REQUESTED_USAGE_EXCEEDING_LIMIT",
    });
    await upstream.emulator.faults.comeBack();
    await eventually(() => used("full"), { timeout: 20_000 }).toBe(100_000);
    await eventually(() => pending("away"), { timeout: 20_000 }).toBe(0);
  });

  it("keeps what upstream refuses for an operator, who decides beside the running process", async () => {
    const { port, metricsPort } = await serve("refused");
    expect((await call(port, "ReportUsage", { customerId: "former", featureId: "calls", value: 5 })).status).toBe(200);
    const dir = ["--dir", join(directory, "refused")];
    await eventually(async () => (await runToEnd(["outbox", "list", ...dir])).stdout, { timeout: 20_000 }).toMatch(
      /rejected .* DELTA 5 calls of former/,
    );
    const firstId = async () => /^\d+/.exec((await runToEnd(["outbox", "list", ...dir])).stdout)?.[0] ?? "";
    const refusedId = await firstId();
    // There are no requests, however broken, that end it.
    await writeFile(join(directory, "refused", "request-00000000-0000-0000-0000-000000000000.json"), "{");
    expect(await runToEnd(["outbox", "retry", refusedId, ...dir])).toMatchObject({
      code: 0,
      stdout: `${refusedId}: is tried again\n`,
    });
    // With nothing else to deliver, and refused once more.
    await eventually(firstId, { timeout: 20_000 }).toMatch(new RegExp(`^(?!${refusedId}$)\\d+$`));
    const id = await firstId();
    expect(await runToEnd(["outbox", "drop", id, ...dir])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--reason"),
    });
    expect(await runToEnd(["outbox", "drop", id, "--reason", "left us", ...dir])).toMatchObject({
      code: 0,
      stdout: `${id}: dropped\n`,
    });
    expect((await runToEnd(["outbox", "list", ...dir])).stdout).toBe("nothing was set aside\n");
    expect(JSON.parse((await runToEnd(["outbox", "status", ...dir])).stdout)).toMatchObject({
      accepted: 1,
      rejected: 1,
      dropped: 1,
      pending: 0,
    });
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    expect(metrics).toContain('sidecar_outbox_reports_total{state="rejected"} 1');
    const second = new ServiceProcess(["serve"], environment("refused"));
    expect(await second.ended).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("another process has the outbox"),
    });
  });

  it.each<[what: string, act: (file: string) => Promise<void>]>([
    ["removed", (file) => rm(file)],
    ["cut", (file) => truncate(file, 100)],
    [
      "changed in one bit",
      async (file) => {
        const bytes = await readFile(file);
        bytes[bytes.length - 10]! ^= 1;
        await writeFile(file, bytes);
      },
    ],
  ])("delivers after a kill what it had in memory when a file was %s while it ran", async (what, act) => {
    const name = `changed ${what}`;
    upstream.emulator.faults.inject({ target: "api", kind: "status", status: 503 });
    const before = used("a");
    const { service, port, metricsPort } = await serve(name);
    await call(port, "ReportUsage", { customerId: "a", featureId: "calls", value: 5 });
    await act(join(directory, name, "0000000001.segment"));
    const metrics = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    await eventually(metrics, { timeout: ANSWER_MS, interval: 50 }).toContain("sidecar_outbox_rewrites_total 1");
    service.child.kill("SIGKILL");
    await service.ended;
    upstream.emulator.faults.clear();
    await serve(name);
    await eventually(() => used("a"), { timeout: ANSWER_MS }).toBe(before + 5);
  });

  it(
    `counts each report once, however it is killed (${KILLS} times)`,
    async () => {
      const random = new SeededRandom(KILLS);
      const series = CUSTOMERS.flatMap((customerId) =>
        ["calls", "clicks"].map((featureId) => ({ customerId, featureId })),
      );
      const counts = () => series.map(({ customerId, featureId }) => used(customerId, featureId));
      const expected = counts();
      let waiting: Sent[] = [];
      for (let kill = 0; kill <= KILLS; kill++) {
        const durability = random.oneOf(["process", "power"]);
        const { service, port } = await serve("killed", { USAGE_DURABILITY: durability });
        if (random.fraction() < 0.5)
          upstream.emulator.faults.inject({
            target: "api",
            operation: random.oneOf(["ReportUsage", "ReportUsageBulk", "ReportEvent"]),
            times: 3,
            ...random.oneOf([
              { kind: "reset", when: "after-effect" },
              { kind: "status", status: 503 },
              { kind: "truncated" },
            ] as const),
          });
        const fresh = Array.from({ length: 60 }, (_, i): Sent => {
          const index = random.integer(0, series.length - 1);
          expected[index] = (expected[index] ?? 0) + 1;
          return { ...(series[index] as Omit<Sent, "key">), key: `${kill}-${i}` };
        });
        // Who got no answer reports the same again.
        const reports = [...waiting, ...fresh];
        const accepted = new Set<string>();
        const sending = Promise.all(
          reports.map(async (report, i) => {
            await new Promise((resolve) => setTimeout(resolve, i * 3));
            if (await isTaken(port, report)) accepted.add(report.key);
          }),
        );
        if (kill < KILLS) {
          await new Promise((resolve) => setTimeout(resolve, random.integer(20, 400)));
          service.child.kill("SIGKILL");
          await service.ended;
        }
        await sending;
        waiting = reports.filter(({ key }) => !accepted.has(key));
        upstream.emulator.faults.clear();
      }
      expect(waiting).toEqual([]);
      await eventually(() => pending("killed"), { timeout: 60_000, interval: 200 }).toBe(0);
      expect(counts()).toEqual(expected);
    },
    60_000 + KILLS * 20_000,
  );
});

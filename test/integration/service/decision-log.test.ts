import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { eventually } from "../../support/expectations.js";
import { runToEnd, ServiceProcess } from "./service-process.js";

const CATALOG = {
  features: [
    { id: "seats", kind: "metered", meterType: "Fluctuating" },
    { id: "sso", kind: "boolean" },
  ],
  plans: [{ id: "pro", entitlements: { seats: 10 } }],
  customers: [
    { id: "acme", plan: "pro", usage: { seats: 8 } },
    { id: "globex", plan: "pro" },
  ],
};
const HEADER = "x-entitlement-decision";

describe("the decision log", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "decisions-"));
    await writeFile(join(folder, "catalog.json"), JSON.stringify(CATALOG));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Runs a service, asks it, and ends it. */
  async function asking(
    environment: Record<string, string>,
    ask: (
      check: (customerId: string, featureId: string, requestedUsage?: number) => Promise<string | null>,
      metricsPort: number,
    ) => Promise<void>,
  ) {
    const service = new ServiceProcess(["serve"], {
      CATALOG_FILE: join(folder, "catalog.json"),
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      LISTEN_HOST: "127.0.0.1",
      SHUTDOWN_LINGER_MS: "0",
      START_MESSAGE: "json",
      ...environment,
    });
    const { address, metricsPort } = await service.started();
    const check = async (customerId: string, featureId: string, requestedUsage?: number) => {
      const body = JSON.stringify({ customerId, featureId, options: { requestedUsage } });
      const answer = await fetch(`${address}/stigg.sidecar.v1.SidecarService/GetEntitlement`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      await answer.text();
      return answer.headers.get(HEADER);
    };
    await ask(check, metricsPort);
    service.child.kill("SIGTERM");
    return service.ended;
  }

  const decisionsIn = (text: string) =>
    text
      .split("\n")
      .filter((line) => line.includes('"decision"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it("is off by default, and no answer carries an id", async () => {
    const { stdout } = await asking({}, async (check) => {
      expect(await check("acme", "sso")).toBeNull();
    });
    expect(decisionsIn(stdout)).toEqual([]);
  });

  it("has denials with an id that their answers carry", async () => {
    let id: string | null = null;
    const { stdout } = await asking({ DECISION_LOG: "denials" }, async (check) => {
      expect(await check("acme", "seats")).toBeNull();
      id = await check("acme", "seats", 3);
    });
    expect(id).toMatch(/^[0-9a-f]{8}-1$/);
    expect(decisionsIn(stdout)).toEqual([
      expect.objectContaining({
        decision: id,
        customer: "acme",
        feature: "seats",
        requested: 3,
        granted: false,
        reason: "RequestedUsageExceedingLimit",
        fallback: false,
        used: 8,
        limit: 10,
      }),
    ]);
  });

  it("has changes of an outcome once", async () => {
    const { stdout } = await asking({ DECISION_LOG: "changes" }, async (check) => {
      for (const requested of [0, 0, 3, 3, 0]) await check("acme", "seats", requested);
    });
    expect(decisionsIn(stdout).map(({ granted }) => granted)).toEqual([true, false, true]);
  });

  it("goes to a file that is rotated and is filtered by the command of its name", async () => {
    const file = join(folder, "decisions.log");
    await asking(
      { DECISION_LOG: "all", DECISION_LOG_FILE: file, DECISION_LOG_MAX_BYTES: "1024" },
      async (check, metricsPort) => {
        for (let round = 0; round < 3; round++) {
          for (let call = 0; call < 5; call++) await check(call % 2 === 0 ? "acme" : "globex", "seats", 3);
          await eventually(async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()).toContain(
            `sidecar_decision_log_lines_total ${(round + 1) * 5}\n`,
          );
        }
      },
    );
    expect((await readFile(`${file}.1`, "utf8")).split("\n").length).toBeGreaterThan(1);
    const decisions = (...args: string[]) => runToEnd(["decisions", ...args], { DECISION_LOG_FILE: file });
    expect((await decisions("--json")).stdout.trim().split("\n")).toHaveLength(15);
    const denied = await decisions("--denied", "--since", "1h");
    expect(denied.stdout.trim().split("\n")).toHaveLength(9);
    expect(denied.stdout).toMatch(
      /^\S+Z denied {2}acme seats \(RequestedUsageExceedingLimit, 8 of 10 used, 3 requested, from (upstream|memory), \d+\.\d s old\) [0-9a-f]{8}-1$/m,
    );
    expect((await decisions("--customer", "globex", "--denied")).code).toBe(1);
    expect(await decisions("--since", "yesterday")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--since must be a time") as unknown as string,
    });
  });

  it("that cannot be written is refused at the start", async () => {
    const { code, stderr } = await runToEnd(["serve"], {
      CATALOG_FILE: join(folder, "catalog.json"),
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      LISTEN_HOST: "127.0.0.1",
      DECISION_LOG: "all",
      DECISION_LOG_FILE: join(folder, "none", "decisions.log"),
    });
    expect({ code, stderr }).toEqual({
      code: 78,
      stderr: expect.stringMatching(
        /DECISION_LOG_FILE: .*none\/decisions\.log cannot be written to: ENOENT/,
      ) as unknown,
    });
  });

  it("that cannot be written any more loses decisions, counts them, says so once and in the status, and holds up nobody", async () => {
    const { stdout } = await asking(
      // As a full disk: what is there can be opened, and takes nothing.
      { DECISION_LOG: "all", DECISION_LOG_FILE: "/dev/full" },
      async (check, metricsPort) => {
        const ops = async (path: string) => (await fetch(`http://127.0.0.1:${metricsPort}${path}`)).text();
        expect(await check("acme", "seats")).not.toBeNull();
        await eventually(() => ops("/metrics")).toContain("sidecar_decision_log_lost_total 1\n");
        await check("acme", "seats");
        await eventually(() => ops("/metrics")).toContain("sidecar_decision_log_lost_total 2\n");
        expect(JSON.parse(await ops("/status"))).toMatchObject({
          isDegraded: true,
          degraded: [expect.stringMatching(/decisions cannot be logged.*ENOSPC/)],
          decisionLog: { file: "/dev/full", written: 0, lost: 2 },
        });
      },
    );
    expect(stdout.match(/decisions cannot be logged/g)).toHaveLength(1);
  });
});

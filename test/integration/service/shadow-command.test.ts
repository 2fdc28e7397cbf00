import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Health, HealthCheckResponse_ServingStatus } from "../../../src/adapters/rpc/gen/grpc/health/v1/health_pb.js";
import { SidecarService } from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { itInChromium, pageSeen } from "../../support/chromium.js";
import { runToEnd, ServiceProcess } from "./service-process.js";

const FEATURES = [
  { id: "seats", kind: "metered", meterType: "Fluctuating" },
  { id: "sso", kind: "boolean" },
  { id: "region", kind: "enum", values: ["eu", "us"] },
];
const INCUMBENT = {
  features: FEATURES,
  plans: [{ id: "pro", entitlements: { seats: 10, sso: true } }],
  customers: ["acme", "globex", "initech", "umbrella"].map((id) => ({ id, plan: "pro", usage: { seats: 8 } })),
};
/** What is planted: another limit for globex, no sso for initech, umbrella not known. */
const CANDIDATE = {
  ...INCUMBENT,
  plans: [
    ...INCUMBENT.plans,
    { id: "more", entitlements: { seats: 12, sso: true } },
    { id: "less", entitlements: { seats: 10 } },
  ],
  customers: [
    { id: "acme", plan: "pro", usage: { seats: 8 } },
    { id: "globex", plan: "more", usage: { seats: 8 } },
    { id: "initech", plan: "less", usage: { seats: 8 } },
  ],
};

interface Report {
  readonly compared: number;
  readonly same: number;
  readonly passing: number;
  readonly different: number;
  readonly skipped: number;
  readonly classes: Readonly<Record<string, { readonly answers: number; readonly examples: readonly object[] }>>;
}

describe("two services that are compared", () => {
  let folder: string;
  const services: ServiceProcess[] = [];
  let [incumbent, candidate] = ["", ""];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "shadow-"));
    incumbent = await serve("incumbent", INCUMBENT);
    candidate = await serve("candidate", CANDIDATE);
  });
  afterAll(async () => {
    for (const { child } of services) child.kill("SIGTERM");
    await Promise.all(services.map(({ ended }) => ended));
    await rm(folder, { recursive: true });
  });

  async function serve(name: string, catalog: object): Promise<string> {
    await writeFile(join(folder, `${name}.json`), JSON.stringify(catalog));
    const service = new ServiceProcess(["serve"], {
      CATALOG_FILE: join(folder, `${name}.json`),
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      LISTEN_HOST: "127.0.0.1",
      SHUTDOWN_LINGER_MS: "0",
      START_MESSAGE: "json",
      DECISION_LOG: "all",
      DECISION_LOG_FILE: join(folder, `${name}.decisions`),
    });
    services.push(service);
    return (await service.started()).address;
  }

  /** Has the command stand between, and ends it. */
  async function shadowing(
    options: readonly string[],
    ask: (baseUrl: string, shadow: ServiceProcess) => Promise<void>,
  ) {
    const shadow = new ServiceProcess(
      [
        "shadow",
        "--incumbent",
        incumbent,
        "--candidate",
        candidate,
        "--listen",
        "localhost:0",
        "--settle",
        "1ms",
        "--json",
        ...options,
      ],
      {},
    );
    const [, at] = await shadow.warned(/listening on (\S+): answers come from/);
    await ask(`http://${at}`, shadow);
    shadow.child.kill("SIGTERM");
    const { code, stdout, stderr } = await shadow.ended;
    return { code, stderr, report: JSON.parse(stdout) as Report };
  }

  const clientOf = (baseUrl: string) => createClient(SidecarService, createGrpcTransport({ baseUrl }));

  it("differ in what was planted, each in its class, and in nothing else; callers see the incumbent's answers", async () => {
    const { code, report } = await shadowing([], async (baseUrl) => {
      const client = clientOf(baseUrl);
      for (let round = 0; round < 50; round++) {
        expect((await client.getMeteredEntitlement({ customerId: "acme", featureId: "seats" })).hasAccess).toBe(true);
        expect((await client.getBooleanEntitlement({ customerId: "acme", featureId: "sso" })).hasAccess).toBe(true);
        expect((await client.getEntitlements({ customerId: "acme" })).entitlements).toHaveLength(2);
      }
      const globex = await client.getMeteredEntitlement({ customerId: "globex", featureId: "seats" });
      expect(globex.entitlement?.usageLimit).toBe(10);
      await client.getEntitlementV2({ customerId: "initech", featureId: "sso" });
      await client.getEntitlementsStateV2({ customerId: "initech" });
      await client.getEntitlement({ customerId: "umbrella", featureId: "sso" });
    });
    expect(report).toMatchObject({ compared: 154, same: 150, passing: 0, different: 4, skipped: 0 });
    expect(Object.fromEntries(Object.entries(report.classes).map(([is, { answers }]) => [is, answers]))).toEqual({
      access: 2,
      reason: 2,
      kind: 2,
      limit: 1,
      entitlement: 1,
    });
    expect(report.classes["limit"]?.examples).toEqual([
      {
        method: "GetMeteredEntitlement",
        request: '{"customerId":"globex","featureId":"seats"}',
        item: "",
        field: "usageLimit",
        incumbent: 10,
        candidate: 12,
      },
    ]);
    expect(code).toBe(1);
  });

  it("agree where they do, by every protocol, and reports are made once, by the one that answers", async () => {
    const { code, report } = await shadowing(["--answer-from", "candidate"], async (baseUrl) => {
      const client = clientOf(baseUrl);
      const reported = await client.reportUsage({ customerId: "globex", featureId: "seats", value: 1 });
      expect(reported.currentUsage).toBe(9);
      const answer = await fetch(`${baseUrl}/stigg.sidecar.v1.SidecarService/GetEntitlement`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ customerId: "acme", featureId: "seats" }),
      });
      expect(await answer.json()).toMatchObject({ hasAccess: true, metered: { usageLimit: 10 } });
      expect(answer.headers.get("x-entitlement-source")).toBe("memory");
      const health = createClient(Health, createGrpcTransport({ baseUrl }));
      expect(await health.check({})).toMatchObject({ status: HealthCheckResponse_ServingStatus.SERVING });
    });
    expect(report).toMatchObject({ compared: 1, same: 1, different: 0 });
    expect(code).toBe(0);
    const untouched = await clientOf(incumbent).getMeteredEntitlement({ customerId: "globex", featureId: "seats" });
    expect(untouched.entitlement?.currentUsage).toBe(8);
  });

  it("fail alike where a call is wrong, and the caller gets the failure as it is", async () => {
    const { report } = await shadowing([], async (baseUrl) => {
      const error = await clientOf(baseUrl)
        .getEntitlement({ customerId: "", featureId: "sso" })
        .catch((thrown: unknown) => ConnectError.from(thrown));
      expect(error).toMatchObject({ code: Code.InvalidArgument, rawMessage: expect.stringContaining("customer_id") });
    });
    expect(report).toMatchObject({ compared: 1, same: 1 });
  });

  it("are compared over so many answers, where that is asked for", async () => {
    const shadow = new ServiceProcess(
      ["shadow", "--incumbent", incumbent, "--candidate", candidate, "--listen", "localhost:0", "--checks", "3"],
      {},
    );
    const [, at] = await shadow.warned(/listening on (\S+):/);
    const client = clientOf(`http://${at}`);
    for (let asked = 0; asked < 3; asked++) await client.getEntitlement({ customerId: "acme", featureId: "sso" });
    const { code, stdout } = await shadow.ended;
    expect(stdout.trim()).toBe("3 answers compared: 3 the same, 0 for a while not, 0 different");
    expect(code).toBe(0);
  });

  itInChromium(
    "can be looked at while they are compared (in Chromium, skipped where there is none), from this machine alone",
    async () => {
      let page = "";
      await shadowing(["--inspect", "localhost:0"], async (baseUrl, shadow) => {
        await clientOf(baseUrl).getMeteredEntitlement({ customerId: "globex", featureId: "seats" });
        [, page = ""] = await shadow.warned(/inspect {2}(\S+)/);
        const comparison = new URL("/comparison", page);
        expect((await fetch(comparison, { headers: { "x-forwarded-for": "10.0.0.1" } })).status).toBe(401);
        const dom = await pageSeen(page);
        expect(dom).toMatch(/<strong id="state" role="status" class="bad">1 different<\/strong>/);
        expect(dom).toMatch(/<h2 id="h-class-limit">limit: 1<\/h2>/);
        expect(dom).toMatch(/<td>usageLimit<\/td><td>10<\/td><td>12<\/td>/);
      });
      await expect(fetch(page)).rejects.toThrow();
    },
  );

  it("may be compared by a decision log too, of which usage is left out unless asked for", async () => {
    const log = join(folder, "replayed.decisions");
    const line = { timestamp: "2026-01-31T12:00:00.000Z", fallback: false, source: "memory", granted: true };
    const lines = [
      { ...line, decision: "d-1", customer: "acme", feature: "seats", used: 2, limit: 10 },
      { ...line, decision: "d-2", customer: "initech", feature: "sso" },
      {
        ...line,
        decision: "d-3",
        customer: "globex",
        feature: "seats",
        requested: 5,
        granted: false,
        reason: "RequestedUsageExceedingLimit",
        used: 8,
        limit: 12,
      },
    ];
    await writeFile(log, `no decision\n${lines.map((each) => JSON.stringify(each)).join("\n")}\n`);
    const { code, stdout } = await runToEnd(["replay", log, "--address", candidate, "--json"]);
    const report = JSON.parse(stdout) as Report;
    expect(report).toMatchObject({ compared: 3, same: 2, different: 1 });
    expect(report.classes).toMatchObject({
      access: { examples: [{ method: "d-2", incumbent: true, candidate: false }] },
      reason: { examples: [{ method: "d-2", candidate: "nofeatureentitlementinsubscription" }] },
    });
    expect(code).toBe(1);
    const withUsage = await runToEnd(["replay", log, "--address", candidate, "--usage", "--json"]);
    expect((JSON.parse(withUsage.stdout) as Report).classes["usage"]).toMatchObject({ answers: 2 });
  });

  it("replays what the service itself has logged without a difference", async () => {
    const client = clientOf(incumbent);
    for (const featureId of ["seats", "sso", "region", "typo"])
      await client.getEntitlement({ customerId: "acme", featureId });
    await client.getEntitlement({ customerId: "acme", featureId: "seats", options: { requestedUsage: 3 } });
    await client.getEntitlement({ customerId: "nobody", featureId: "sso" });
    for (;;) {
      const { code, stdout } = await runToEnd(["replay", join(folder, "incumbent.decisions"), "--address", incumbent]);
      expect(stdout).toMatch(/ 0 different$/m);
      expect(code).toBe(0);
      if (Number(/^(\d+) answers/m.exec(stdout)?.[1]) >= 6) break;
    }
  });
});

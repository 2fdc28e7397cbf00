import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type CatalogInput, type RunningSidecar, startSidecar } from "../../../src/public/testing.js";
import { runToEnd } from "./service-process.js";

const CATALOG: CatalogInput = {
  features: [
    { id: "seats", kind: "metered", meterType: "Fluctuating", units: "seat", unitsPlural: "seats" },
    { id: "words", kind: "metered", meterType: "Incremental" },
    { id: "sso", kind: "boolean" },
  ],
  creditCurrencies: [{ id: "tokens" }],
  plans: [
    { id: "free", entitlements: { seats: 3 } },
    {
      id: "pro",
      entitlements: { seats: 10, sso: true, words: { limit: 100, resetPeriod: "MONTH" } },
      includedCredits: [{ currency: "tokens", amount: 100 }],
    },
  ],
  customers: [
    {
      id: "acme",
      plan: "pro",
      usage: { seats: 8 },
      creditsUsed: { tokens: 40 },
      overrides: { sso: { revoked: true } },
    },
    { id: "globex", plan: "free" },
  ],
};

describe("explain", () => {
  let sidecar: RunningSidecar;
  beforeAll(async () => {
    sidecar = await startSidecar({ catalog: CATALOG });
  });
  afterAll(() => sidecar.stop());

  const explain = (...args: string[]) =>
    runToEnd(["explain", ...args, "--address", `127.0.0.1:${sidecar.metricsPort}`]);

  it.each<[args: string[], code: number, lines: readonly RegExp[]]>([
    [
      ["acme", "seats", "--requested-usage", "3"],
      1,
      [
        /^denied \(RequestedUsageExceedingLimit\), from (upstream|memory): acme seats$/m,
        /^ {2}NO {8}limit: limit 10, used 8, requested 3$/m,
        /^ {2}from {6}plan, plan pro$/m,
        /^ {2}state {5}fresh, verified/m,
        /upstream: denied \(RequestedUsageExceedingLimit\), from memory$/m,
      ],
    ],
    [
      ["acme", "seats"],
      0,
      [/^granted, from (upstream|memory): acme seats$/m, /^ {2}yes {7}limit: limit 10, used 8, requested 0$/m],
    ],
    [["acme", "words"], 0, [/^ {2}period {4}\d{4}-\d\d-01T00:00:00.000Z to \d{4}-\d\d-01T00:00:00.000Z/m]],
    [
      ["acme", "sso"],
      1,
      [/^denied \(Revoked\)/m, /^ {2}NO {8}own-reason: reason Revoked$/m, /^ {2}from {6}override, plan pro$/m],
    ],
    [
      ["acme", "tokens", "--credits"],
      0,
      [
        /^ {2}yes {7}wallet: currencyId tokens, granted 100, used 40, left 60/m,
        /^ {2}credits .*: 40 of 100 drawn.*, pays next$/m,
      ],
    ],
    [["acme", "seast"], 1, [/^ {2}no such {3}id: did you mean seats\?$/m]],
    [["acmee", "seats"], 1, [/^denied \(CustomerNotFound\)/m, /^ {2}no such {3}customer: did you mean acme\?$/m]],
    [
      ["stranger", "seats", "--cached-only"],
      1,
      [/^denied \(Unknown\), from fallback, a fallback/m, /^ {2}state {5}not cached$/m, /^ {2}NO {8}state$/m],
    ],
  ])("%j", async (args, code, lines) => {
    const ended = await explain(...args);
    for (const line of lines) expect(ended.stdout).toMatch(line);
    expect(ended.code).toBe(code);
  });

  it("looks at another time", async () => {
    const next = new Date(Date.now() + 40 * 86_400_000).toISOString();
    const { stdout } = await explain("acme", "words", "--at", next, "--json");
    const { period } = JSON.parse(stdout) as { period: { start: number; end: number } };
    expect(period.start).toBeGreaterThan(Date.now());
  });

  it.each<[args: string[], fault: RegExp]>([
    [["acme", "seats", "--requested-usage", "-1"], /requestedUsage was "-1": it must be a number of 0 or more/],
    [["acme", "seats", "--at", "soon"], /at was "soon": it must be a time such as/],
    [["", "seats"], /customer is missing/],
  ])("of %j is refused, with the reason", async (args, fault) => {
    expect(await explain(...args)).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(fault) as unknown as string,
    });
  });

  it("is not for who asks by another name or through a proxy, since it tells of customers", async () => {
    const url = `http://127.0.0.1:${sidecar.metricsPort}/explain?customer=acme&feature=seats`;
    expect((await fetch(url)).status).toBe(200);
    const answer = await fetch(url, { headers: { "x-forwarded-for": "10.0.0.1" } });
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain("OPS_TOKEN");
  });
});

describe("whatif", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "whatif-"));
    await writeFile(join(folder, "now.json"), JSON.stringify(CATALOG));
    const [free, pro] = CATALOG.plans ?? [];
    await writeFile(
      join(folder, "next.json"),
      JSON.stringify({
        ...CATALOG,
        plans: [
          { ...free, entitlements: { seats: 5 } },
          { ...pro, entitlements: { seats: 5, sso: true } },
        ],
      }),
    );
    await writeFile(join(folder, "some.txt"), "globex\n");
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("tells who gains and who loses, and ends with 1 where somebody loses", async () => {
    const ended = await runToEnd(["whatif", "--catalog", "next.json"], { CATALOG_FILE: "now.json" }, folder);
    expect(ended.stdout.trim().split("\n").sort()).toEqual([
      "gain   globex seats: granted, 0 of 3 used -> granted, 0 of 5 used",
      "loss   acme seats: granted, 8 of 10 used -> denied (RequestedUsageExceedingLimit), 8 of 5 used",
      "loss   acme words: granted, 0 of 100 used -> denied (NoFeatureEntitlementInSubscription)",
    ]);
    expect(ended).toMatchObject({ code: 1, stderr: "2 customers compared: 1 gains, 2 losses\n" });
  });

  it("compares only those that are named", async () => {
    const ended = await runToEnd(
      ["whatif", "--catalog", "next.json", "--from", "now.json", "--customers", "some.txt", "--json"],
      {},
      folder,
    );
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ customerId: "globex", is: "gain", id: "seats" });
  });

  it("says what it lacks", async () => {
    expect(await runToEnd(["whatif", "--catalog", "next.json"], {}, folder)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--from <file>") as unknown as string,
    });
  });
});

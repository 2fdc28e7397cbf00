import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "@jest/globals";
import { CodedError } from "../../../src/domain/errors.js";
import {
  type CatalogInput,
  type RunningSidecar,
  startSidecar,
  type StartSidecarOptions,
} from "../../../src/public/testing.js";

const run = promisify(execFile);
const REPO = resolve(import.meta.dirname, "../../..");

const running: RunningSidecar[] = [];
afterEach(async () => {
  for (const sidecar of running.splice(0)) await sidecar.stop();
});

function catalog(limit: number): CatalogInput {
  return {
    features: [{ id: "seats", kind: "metered", meterType: "Fluctuating" }],
    customers: [{ id: "acme", overrides: { seats: limit } }],
  };
}

async function start(options: StartSidecarOptions): Promise<RunningSidecar> {
  const sidecar = await startSidecar(options);
  running.push(sidecar);
  return sidecar;
}

interface Answer {
  readonly entitlement?: { readonly usageLimit: number; readonly currentUsage: number };
}

async function call({ baseUrl }: RunningSidecar, method: string, body: unknown): Promise<Answer> {
  const response = await fetch(`${baseUrl}/stigg.sidecar.v1.SidecarService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Answer;
}

const seats = (sidecar: RunningSidecar) =>
  call(sidecar, "GetMeteredEntitlement", { customerId: "acme", featureId: "seats" });

describe("a sidecar in the test's own process", () => {
  it("answers from the catalog it was given", async () => {
    const sidecar = await start({ catalog: catalog(10) });
    expect(await seats(sidecar)).toMatchObject({ hasAccess: true, entitlement: { usageLimit: 10 } });
  });

  it("tells where it is in every way that clients ask for", async () => {
    const { address, port, baseUrl, metricsPort } = await start({ catalog: catalog(1) });
    expect(address).toBe(`127.0.0.1:${port}`);
    expect(baseUrl).toBe(`http://${address}`);
    expect((await fetch(`http://127.0.0.1:${metricsPort}/readyz`)).status).toBe(200);
  });

  it("answers by another catalog as soon as one is set, also what it had cached, and keeps what was reported", async () => {
    const sidecar = await start({ catalog: catalog(10) });
    await call(sidecar, "ReportUsage", { customerId: "acme", featureId: "seats", value: 4 });
    expect(await seats(sidecar)).toMatchObject({ entitlement: { usageLimit: 10, currentUsage: 4 } });
    sidecar.setCatalog(catalog(3));
    expect(await seats(sidecar)).toMatchObject({
      accessDeniedReason: "ACCESS_DENIED_REASON_REQUESTED_USAGE_EXCEEDING_LIMIT",
      entitlement: { usageLimit: 3, currentUsage: 4 },
    });
  });

  it("keeps its catalog where the new one has a fault", async () => {
    const sidecar = await start({ catalog: catalog(10) });
    expect(() => sidecar.setCatalog({ features: [], customers: [{ id: "acme", plan: "none" }] })).toThrow(/"none"/);
    expect(await seats(sidecar)).toMatchObject({ entitlement: { usageLimit: 10 } });
  });

  it("lives beside others and shares nothing with them", async () => {
    const sidecars = await Promise.all([1, 2, 3].map((limit) => start({ catalog: catalog(limit) })));
    expect(new Set(sidecars.flatMap(({ port, metricsPort }) => [port, metricsPort])).size).toBe(6);
    await call(sidecars[0]!, "ReportUsage", { customerId: "acme", featureId: "seats", value: 1 });
    const answers = await Promise.all(sidecars.map(seats));
    expect(answers.map(({ entitlement }) => [entitlement?.usageLimit, entitlement?.currentUsage])).toEqual([
      [1, 1],
      [2, 0],
      [3, 0],
    ]);
    await sidecars[1]!.stop();
    expect(await seats(sidecars[2]!)).toMatchObject({ hasAccess: true });
  });

  it("refuses a catalog with every fault, and leaves nothing behind", async () => {
    const faulty = { features: [{ id: "a", kind: "bolean" }], customers: [{ id: "" }] } as unknown as CatalogInput;
    await expect(startSidecar({ catalog: faulty })).rejects.toThrow(/features\[0\]\.kind(.|\n)*customers\[0\]\.id/);
  });

  it("refuses fallbacks that are none", async () => {
    const fallbacks = { seats: { hasAccess: "yes" } } as unknown as NonNullable<StartSidecarOptions["fallbacks"]>;
    await expect(startSidecar({ catalog: catalog(1), fallbacks })).rejects.toThrow(CodedError);
  });

  it("takes fallbacks for what a typed call does not find", async () => {
    const sidecar = await start({ catalog: catalog(1), fallbacks: { seats: { hasAccess: true } } });
    expect(await call(sidecar, "GetBooleanEntitlement", { customerId: "acme", featureId: "seats" })).toMatchObject({
      hasAccess: true,
      isFallback: true,
    });
  });

  it("says which port cannot be had", async () => {
    const { port } = await start({ catalog: catalog(1) });
    await expect(startSidecar({ catalog: catalog(1), port })).rejects.toThrow(new RegExp(`GRPC_PORT: .*${port}`));
  });

  it("frees its ports when it is stopped, also twice and with calls open", async () => {
    const sidecar = await start({ catalog: catalog(1) });
    await seats(sidecar);
    await Promise.all([sidecar.stop(), sidecar.stop()]);
    const next = await start({ catalog: catalog(2), port: sidecar.port });
    expect(await seats(next)).toMatchObject({ entitlement: { usageLimit: 2 } });
  });
});

describe("the built entry", () => {
  const PROGRAM = `async (startSidecar) => {
    const sidecar = await startSidecar({ catalog: ${JSON.stringify(catalog(7))} });
    const response = await fetch(sidecar.baseUrl + "/stigg.sidecar.v1.SidecarService/GetEntitlement", {
      method: "POST", headers: { "content-type": "application/json" },
      body: JSON.stringify({ customerId: "acme", featureId: "seats" }),
    });
    const { metered } = await response.json();
    await sidecar.stop();
    process.stdout.write(String(metered.usageLimit));
  }`;

  it.each([
    [
      "import",
      [
        "--input-type=module",
        "-e",
        `import { startSidecar } from "entitlement-sidecar/testing"; await (${PROGRAM})(startSidecar);`,
      ],
    ],
    [
      "require",
      ["--input-type=commonjs", "-e", `void (${PROGRAM})(require("entitlement-sidecar/testing").startSidecar);`],
    ],
  ])("works by %s, and nothing of it keeps the process alive once it is stopped", async (_way, args) => {
    const { stdout, stderr } = await run(process.execPath, args, { cwd: REPO });
    expect([stdout, stderr]).toEqual(["7", ""]);
  });
});

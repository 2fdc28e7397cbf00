import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";

const run = promisify(execFile);
const REPO = resolve(import.meta.dirname, "../../..");
const LOADER = join(REPO, "test/fixtures/vm-loader.js");

/** Uses all that the entry gives: a catalog, another one, a report, metrics, both kinds of failure, the end. */
const USE = `async ({ startSidecar }) => {
  const catalog = (sso) => ({ features: [{ id: "sso", kind: "boolean" }, { id: "seats", kind: "metered", meterType: "Fluctuating" }], customers: [{ id: "acme", overrides: { sso, seats: 5 } }] });
  const sidecar = await startSidecar({ catalog: catalog(true), fallbacks: { other: { hasAccess: true } } });
  const call = async (method, body) => (await fetch(sidecar.baseUrl + "/stigg.sidecar.v1.SidecarService/" + method, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).json();
  const said = [];
  said.push((await call("GetBooleanEntitlement", { customerId: "acme", featureId: "sso" })).hasAccess === true);
  await call("ReportUsage", { customerId: "acme", featureId: "seats", value: 2 });
  said.push((await call("GetMeteredEntitlement", { customerId: "acme", featureId: "seats" })).entitlement.currentUsage === 2);
  sidecar.setCatalog(catalog(false));
  said.push((await call("GetBooleanEntitlement", { customerId: "acme", featureId: "sso" })).hasAccess !== true);
  said.push((await fetch("http://127.0.0.1:" + sidecar.metricsPort + "/metrics")).status === 200);
  said.push(await startSidecar({ catalog: { features: [{ id: "x", kind: "nothing" }], customers: [] } }).then(() => false, ({ code }) => code === "invalid-argument"));
  said.push(await startSidecar({ catalog: catalog(true), port: sidecar.port }).then(() => false, ({ message }) => message.includes("is in use")));
  await sidecar.stop();
  process.stdout.write(JSON.stringify(said));
}`;

const ALL_TRUE = JSON.stringify([true, true, true, true, true, true]);

jest.setTimeout(300_000);

describe("the testing entry of the packed package", () => {
  let top: string;
  let cjs: string;

  beforeAll(async () => {
    top = await mkdtemp(join(tmpdir(), "testing-entry-"));
    const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", top], {
      cwd: REPO,
    });
    const [{ filename = "" } = {}] = JSON.parse(stdout) as { readonly filename?: string }[];
    await mkdir(join(top, "node_modules"));
    await run("tar", ["-xzf", join(top, filename), "-C", join(top, "node_modules")]);
    await run("mv", [join(top, "node_modules/package"), join(top, "node_modules/entitlement-sidecar")]);
    const folder = join(top, "node_modules/entitlement-sidecar");
    const { exports } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
      readonly exports: Record<string, { readonly require: { readonly default: string } }>;
    };
    const entry = exports["./testing"];
    cjs = join(folder, entry?.require.default ?? "");
  }, 300_000);
  afterAll(() => rm(top, { recursive: true, force: true }));

  const node = async (...args: string[]) => (await run(process.execPath, args, { cwd: top })).stdout;

  it("works by require()", async () => {
    expect(await node("-e", `(${USE})(require("entitlement-sidecar/testing"))`)).toBe(ALL_TRUE);
  });

  it("works in a runner that loads by node:vm and has no import()", async () => {
    expect(
      await node(
        "--input-type=module",
        "-e",
        `import { load } from ${JSON.stringify(LOADER)}; await (${USE})(load(${JSON.stringify(cjs)}))`,
      ),
    ).toBe(ALL_TRUE);
  });

  it("works twice in one process, as in a runner with a registry of modules for each file", async () => {
    const twice = `import { load } from ${JSON.stringify(LOADER)}; const use = ${USE}; await use(load(${JSON.stringify(cjs)})); const { createRequire } = await import("node:module"); await use(createRequire(${JSON.stringify(cjs)})(${JSON.stringify(cjs)}))`;
    expect(await node("--input-type=module", "-e", twice)).toBe(ALL_TRUE + ALL_TRUE);
  });

  it("works by import, from a checkout with its libraries", async () => {
    expect(
      await node(
        "--input-type=module",
        "-e",
        `await (${USE})(await import(${JSON.stringify(join(REPO, "dist/public/testing.js"))}))`,
      ),
    ).toBe(ALL_TRUE);
  });

  it("has no import() left for those who require it", async () => {
    expect(await readFile(cjs, "utf8")).not.toMatch(/[^.\w]import\(/);
  });
});

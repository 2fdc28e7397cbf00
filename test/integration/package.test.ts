import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const REPO = resolve(import.meta.dirname, "../..");

const DOMAIN_PROGRAM = `
const state = buildCustomerState({
  features: [{
    feature: { id: "seats", featureType: "NUMBER", meterType: "Fluctuating" },
    usageLimit: 10,
    usage: { currentUsage: 8 },
  }],
});
const query = { featureId: "seats", kind: "metered" as const, requestedUsage: 3, requestedValues: [], fallback: undefined, fallbackWhenUnknown: false };
const decision: FeatureDecision = decideFeature(state, query, Date.now());
if (decision.accessDeniedReason !== "RequestedUsageExceedingLimit") throw new Error(String(decision.accessDeniedReason));
`;

const TESTING_PROGRAM = `
async function main(): Promise<void> {
  const sidecar = await startSidecar({
    catalog: { features: [{ id: "sso", kind: "boolean" }], customers: [{ id: "acme", overrides: { sso: true } }] },
  });
  const response = await fetch(sidecar.baseUrl + "/stigg.sidecar.v1.SidecarService/GetBooleanEntitlement", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ customerId: "acme", featureId: "sso" }),
  });
  const answer = (await response.json()) as { hasAccess?: boolean };
  if (answer.hasAccess !== true) throw new Error(JSON.stringify(answer));
  await sidecar.stop();
}
void main();
`;

const ESM_IMPORTS = `import { buildCustomerState, decideFeature, type FeatureDecision } from "entitlement-sidecar/domain";
import { startSidecar } from "entitlement-sidecar/testing";
`;
const CJS_IMPORTS = `import domain = require("entitlement-sidecar/domain");
import testing = require("entitlement-sidecar/testing");
const { buildCustomerState, decideFeature } = domain;
const { startSidecar } = testing;
type FeatureDecision = domain.FeatureDecision;
`;

describe("the package", { timeout: 300_000 }, () => {
  let top: string;
  let tarball: string;
  let packed: { filename: string; files: { path: string }[] };

  beforeAll(async () => {
    top = await mkdtemp(join(tmpdir(), "package-"));
    const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", top], { cwd: REPO });
    packed = (JSON.parse(stdout) as (typeof packed)[])[0]!;
    tarball = join(top, packed.filename);
  }, 300_000);
  afterAll(() => rm(top, { recursive: true, force: true }));

  it("holds what its users need and nothing of how it is made", () => {
    const tops = new Set(packed.files.map(({ path }) => path.split("/")[0]));
    expect([...tops].sort()).toEqual(
      ["CHANGELOG.md", "LICENSE", "README.md", "dist", "examples", "package.json", "proto", "schema"].sort(),
    );
  });

  it("needs no other package for the domain", async () => {
    const folder = join(top, "bare");
    await mkdir(folder);
    await run("tar", ["-xzf", tarball, "-C", folder]);
    const manifest = JSON.parse(await readFile(join(folder, "package/package.json"), "utf8")) as {
      exports: Record<string, { import: { default: string }; require: { default: string } }>;
    };
    const { import: esm, require: cjs } = manifest.exports["./domain"]!;
    const probe = "m => { if (typeof m.decideFeature !== 'function') process.exit(1); }";
    await run("node", ["--input-type=module", "-e", `(${probe})(await import(${JSON.stringify(join(folder, "package", esm.default))}))`]);
    await run("node", ["-e", `(${probe})(require(${JSON.stringify(join(folder, "package", cjs.default))}))`]);
  });

  it.each([
    ["an ES module", { type: "module" }, ESM_IMPORTS, "node16"],
    ["CommonJS", {}, CJS_IMPORTS, "node16"],
    ["an ES module, newest resolution", { type: "module" }, ESM_IMPORTS, "nodenext"],
  ])("imports with types into %s", async (name, manifest, imports, module) => {
    const project = join(top, name.replaceAll(/\W/g, "-"));
    await mkdir(project);
    await writeFile(join(project, "package.json"), JSON.stringify({ name: "empty", private: true, ...manifest }));
    await run("npm", ["install", "--no-audit", "--no-fund", tarball], { cwd: project });
    await writeFile(join(project, "main.ts"), imports + DOMAIN_PROGRAM + TESTING_PROGRAM);
    const options = ["--strict", "--target", "es2022", "--module", module, "--types", "node", "--typeRoots", join(REPO, "node_modules/@types")];
    await run("node", [join(REPO, "node_modules/typescript/bin/tsc"), ...options, "main.ts"], { cwd: project }).catch((error: unknown) => {
      throw new Error((error as { stdout: string }).stdout);
    });
    await run("node", ["main.js"], { cwd: project });
  });
});

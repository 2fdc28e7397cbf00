import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { faultOf, linksOf, pagesOf } from "../../unit/docs/markdown-links.js";
import { ServiceProcess } from "../service/service-process.js";

const run = promisify(execFile);
const REPO = resolve(import.meta.dirname, "../../..");

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
  const client: SidecarClient = createSidecarClient({ baseUrl: sidecar.baseUrl });
  const granted = await client.getBooleanEntitlement({ customerId: "acme", featureId: "sso" });
  const reason: AccessDeniedReason | undefined = granted.accessDeniedReason;
  if (!granted.hasAccess || reason !== undefined) throw new Error(String(reason));
  const failure: unknown = await client.getBooleanEntitlement({ customerId: "" }).catch((error: unknown) => error);
  if (!(failure instanceof ConnectError) || failure.code !== Code.InvalidArgument) throw new Error(String(failure));
  await sidecar.stop();
}
void main();
`;

const ESM_IMPORTS = `import { buildCustomerState, decideFeature, type FeatureDecision } from "entitlement-sidecar/domain";
import { startSidecar } from "entitlement-sidecar/testing";
import { type AccessDeniedReason, Code, ConnectError, createSidecarClient, type SidecarClient } from "entitlement-sidecar/client";
`;
const CJS_IMPORTS = `import domain = require("entitlement-sidecar/domain");
import testing = require("entitlement-sidecar/testing");
import client = require("entitlement-sidecar/client");
const { buildCustomerState, decideFeature } = domain;
const { startSidecar } = testing;
const { Code, ConnectError, createSidecarClient } = client;
type FeatureDecision = domain.FeatureDecision;
type AccessDeniedReason = client.AccessDeniedReason;
type SidecarClient = client.SidecarClient;
`;

/** By typesVersions, which is what compilers had before `exports`. */
const CLASSIC = ["commonjs", "--moduleResolution", "node10", "--ignoreDeprecations", "6.0"];

jest.setTimeout(300_000);

describe("the package", () => {
  let top: string;
  let tarball: string;
  let packed: { filename: string; files: { path: string }[] };

  beforeAll(async () => {
    top = await mkdtemp(join(tmpdir(), "package-"));
    const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", top], {
      cwd: REPO,
    });
    packed = (JSON.parse(stdout) as (typeof packed)[])[0]!;
    tarball = join(top, packed.filename);
  }, 300_000);
  afterAll(() => rm(top, { recursive: true, force: true }));

  it("holds what its users need and nothing of how it is made", () => {
    const tops = new Set(packed.files.map(({ path }) => path.split("/")[0]));
    expect([...tops].sort()).toEqual(
      [
        ...["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "RELEASING.md", "SECURITY.md"],
        ...["bench", "deploy", "dist", "docs", "examples", "package.json", "proto", "schema"],
      ].sort(),
    );
    const ofBench = packed.files.map(({ path }) => path).filter((path) => path.startsWith("bench/"));
    expect(ofBench.filter((path) => !/\.(?:md|svg)$/.test(path))).toEqual([]);
  });

  it("holds whatever its pages lead to", async () => {
    const folder = join(top, "pages");
    await mkdir(folder);
    await run("tar", ["-xzf", tarball, "-C", folder]);
    const root = join(folder, "package");
    const links = pagesOf(root).flatMap((page) => linksOf(root, page));
    expect(links.length).toBeGreaterThan(50);
    expect(
      links.flatMap((link) => (faultOf(root, link) === undefined ? [] : [`${link.page}: ${link.target}`])),
    ).toEqual([]);
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
    await run("node", [
      "--input-type=module",
      "-e",
      `(${probe})(await import(${JSON.stringify(join(folder, "package", esm.default))}))`,
    ]);
    await run("node", ["-e", `(${probe})(require(${JSON.stringify(join(folder, "package", cjs.default))}))`]);
  });

  it("answers from a catalog without any other package", async () => {
    const folder = join(top, "alone");
    await mkdir(folder);
    await run("tar", ["-xzf", tarball, "-C", folder]);
    const file = (name: string) => join(folder, "package", name);
    const environment = {
      CATALOG_FILE: file("examples/catalog.yaml"),
      LISTEN_HOST: "127.0.0.1",
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      SHUTDOWN_LINGER_MS: "0",
      START_MESSAGE: "json",
    };
    const service = new ServiceProcess(["serve"], environment, folder, file("dist/bootstrap/cli.js"));
    await service.started();
    service.child.kill("SIGTERM");
    expect(await service.ended).toMatchObject({ code: 0, stderr: "" });
    const { version } = JSON.parse(await readFile(file("package.json"), "utf8")) as { version: string };
    expect((await run("node", [file("dist/bootstrap/persistent-cache.js"), "--version"])).stdout).toBe(`${version}\n`);
  });

  it.each([
    "@bufbuild/protobuf",
    "@connectrpc/connect",
    "@inversifyjs/core",
    "ajv",
    "fast-deep-equal",
    "prom-client",
    "winston",
    "yaml",
  ])("tells the terms of the libraries whose code its programs contain: %s", async (library) => {
    const terms = await readFile(join(REPO, "dist/bundle/THIRD-PARTY.txt"), "utf8");
    expect(terms).toMatch(new RegExp(`^${library} \\d+\\.\\d+\\.\\d+: \\S`, "m"));
    expect(terms).toMatch(new RegExp(`^-+\\n\\n(?:.*, )?${library}(?:, .*)?\\n\\n`, "m"));
    expect(packed.files.map(({ path }) => path)).toContain("dist/bundle/THIRD-PARTY.txt");
  });

  it("tells the terms that stand in a library's files alone", async () => {
    const terms = await readFile(join(REPO, "dist/bundle/THIRD-PARTY.txt"), "utf8");
    expect(terms).toMatch(/^@bufbuild\/protobuf\n\n\/\/ Copyright 2008 Google Inc\..*\n\/\/\n\/\/ Redistribution/m);
  });

  it.each([
    ["an ES module", { type: "module" }, ESM_IMPORTS, ["node16"]],
    ["CommonJS", {}, CJS_IMPORTS, ["node16"]],
    ["an ES module, newest resolution", { type: "module" }, ESM_IMPORTS, ["nodenext"]],
    ["CommonJS, classic resolution", {}, ESM_IMPORTS, CLASSIC],
  ])("imports with types into %s", async (name, manifest, imports, module) => {
    const project = join(top, name.replaceAll(/\W/g, "-"));
    await mkdir(project);
    await writeFile(join(project, "package.json"), JSON.stringify({ name: "empty", private: true, ...manifest }));
    await run("npm", ["install", "--no-audit", "--no-fund", tarball], { cwd: project });
    await writeFile(join(project, "main.ts"), imports + DOMAIN_PROGRAM + TESTING_PROGRAM);
    const options = [
      "--strict",
      "--exactOptionalPropertyTypes",
      "--target",
      "es2022",
      "--module",
      ...module,
      "--types",
      "node",
      "--typeRoots",
      join(REPO, "node_modules/@types"),
    ];
    await run("node", [join(REPO, "node_modules/typescript/bin/tsc"), ...options, "main.ts"], { cwd: project }).catch(
      (error: unknown) => {
        throw new Error((error as { stdout: string }).stdout);
      },
    );
    await run("node", ["main.js"], { cwd: project });
  });
});

import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, it } from "@jest/globals";
import { parse } from "yaml";
import { type CatalogInput, startSidecar } from "../../src/public/testing.js";
import { onTestFinished } from "../support/on-test-finished.js";
import { PROTO_DIRECTORY, REPOSITORY } from "../support/repository.js";
import { pythonEnvironment } from "./python-program.js";
import { runCommand } from "./run-command.js";
import { findToolchain, itWith } from "./toolchain.js";
import { temporaryDirectory } from "./workspace.js";

const EXAMPLES = join(REPOSITORY, "examples");
const STIGG = join(PROTO_DIRECTORY, "stigg");

const python3 = await findToolchain("Python 3 with venv", "python3", [
  "-c",
  "import ensurepip, platform, venv; print(platform.python_version())",
]);
const go = await findToolchain("Go", "go", ["version"]);
const maven = await findToolchain("Java with Maven", "mvn", ["--version"]);
const dotnet = await findToolchain("the .NET SDK", "dotnet", ["--version"]);

/** What each program prints of the example catalog, whatever its language's spelling. */
const PRINTED = [
  /^seats: granted=true used=7 limit=10$/i,
  /^sso: granted=false reason=.*NO_?FEATURE_?ENTITLEMENT_?IN_?SUBSCRIPTION$/i,
  /^storage: used=43\.5$/,
];

function expectPrinted(output: string): void {
  // Toolchains add lines of their own.
  const lines = stripVTControlCharacters(output)
    .split("\n")
    .filter((line) => /^(?:seats|sso|storage): /.test(line));
  expect(lines).toHaveLength(PRINTED.length);
  for (const [index, line] of lines.entries()) expect(line.trim()).toMatch(PRINTED[index] ?? /$^/);
}

/** A copy of an example, whose stubs leave nothing behind, and a sidecar over the catalog that it asks about. */
async function example(
  name: string,
): Promise<{ readonly folder: string; readonly address: string; readonly url: string }> {
  const folder = await temporaryDirectory(`example-${name}`);
  await cp(join(EXAMPLES, name), folder, { recursive: true });
  const sidecar = await startSidecar({
    catalog: parse(await readFile(join(EXAMPLES, "catalog.yaml"), "utf8")) as CatalogInput,
  });
  onTestFinished(() => sidecar.stop());
  return { folder, address: sidecar.address, url: sidecar.baseUrl };
}

itWith(python3)("the example in Python runs as its README says", async () => {
  const { folder, address } = await example("python");
  const python = await pythonEnvironment(`${join(EXAMPLES, "python")}/`, python3 ?? "");
  await runCommand(
    python,
    [
      "-m",
      "grpc_tools.protoc",
      "-I",
      PROTO_DIRECTORY,
      "--python_out=.",
      "--grpc_python_out=.",
      "stigg/sidecar/v1/sidecar.proto",
    ],
    { cwd: folder },
  );
  expectPrinted(await runCommand(python, ["main.py", address], { cwd: folder }));
});

it("the example in Node runs as its README says", async () => {
  const { folder, url } = await example("node");
  // What its package.json names is there already.
  const { dependencies, devDependencies } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Record<
    string,
    Record<string, string>
  >;
  const own = JSON.parse(await readFile(join(REPOSITORY, "package.json"), "utf8")) as Record<
    string,
    Record<string, string>
  >;
  expect({ ...own["dependencies"], ...own["devDependencies"] }).toMatchObject({ ...dependencies, ...devDependencies });
  await runCommand("ln", ["-s", join(REPOSITORY, "node_modules"), join(folder, "node_modules")]);
  await runCommand("npx", ["buf", "generate", PROTO_DIRECTORY, "--path", STIGG], { cwd: folder });
  expectPrinted(await runCommand("node", ["main.js", url], { cwd: folder }));
});

itWith(go)("the example in Go runs as its README says", async () => {
  const { folder, address } = await example("go");
  const readme = await readFile(join(folder, "README.md"), "utf8");
  const plugins = [...readme.matchAll(/^go install (\S+)$/gm)].map(([, plugin = ""]) => plugin);
  expect(plugins).toHaveLength(2);
  for (const plugin of plugins)
    await runCommand("go", ["install", plugin], { cwd: folder, env: { GOBIN: join(folder, "bin") } });
  await runCommand(join(REPOSITORY, "node_modules/.bin/buf"), ["generate", PROTO_DIRECTORY, "--path", STIGG], {
    cwd: folder,
    env: { PATH: `${join(folder, "bin")}:${process.env["PATH"] ?? ""}` },
  });
  await runCommand("go", ["mod", "tidy"], { cwd: folder });
  expectPrinted(await runCommand("go", ["run", ".", address], { cwd: folder }));
});

itWith(maven)("the example in Java runs as its README says", async () => {
  const { folder, address } = await example("java");
  const args = ["-q", "-B", `-Dproto.directory=${PROTO_DIRECTORY}`, "compile", "exec:java", `-Dexec.args=${address}`];
  expectPrinted(await runCommand("mvn", args, { cwd: folder }));
});

itWith(dotnet)("the example in .NET runs as its README says", async () => {
  const { folder, address } = await example("dotnet");
  const args = ["run", `-p:ProtoDirectory=${PROTO_DIRECTORY}`, "--", address];
  expectPrinted(await runCommand("dotnet", args, { cwd: folder, env: { DOTNET_CLI_TELEMETRY_OPTOUT: "1" } }));
});

it("the tests of the example of an application pass on jest, vitest and node:test", async () => {
  const folder = await temporaryDirectory("example-consumer");
  await cp(join(EXAMPLES, "consumer"), folder, { recursive: true });
  await runCommand("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], { cwd: REPOSITORY });
  const [tarball = ""] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
    devDependencies: Record<string, string>;
  };
  const devDependencies = { ...manifest.devDependencies, "entitlement-sidecar": `file:${tarball}` };
  await writeFile(join(folder, "package.json"), JSON.stringify({ ...manifest, devDependencies }));
  await runCommand("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder });
  await runCommand("npm", ["test"], { cwd: folder });
});

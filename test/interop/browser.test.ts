import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect } from "@jest/globals";
import { ServiceProcess } from "../integration/service/service-process.js";
import { onTestFinished } from "../support/on-test-finished.js";
import { REPOSITORY } from "../support/repository.js";
import { runCommand } from "./run-command.js";
import { itWith, tell } from "./toolchain.js";
import { temporaryDirectory } from "./workspace.js";

const chromium = ["chromium", "chromium-browser", "google-chrome"].find(
  (program) => spawnSync(program, ["--version"]).status === 0,
);
if (chromium === undefined) tell("there is no Chromium here, so the page of examples/browser is not opened");

/** The page, built as its README says, but for the package, which is this repository. @returns its folder */
async function buildPage(): Promise<string> {
  const folder = await temporaryDirectory("example-browser");
  await cp(join(REPOSITORY, "examples/browser"), folder, { recursive: true });
  const modules = join(folder, "node_modules");
  await mkdir(modules);
  await runCommand("ln", ["-s", join(REPOSITORY, "node_modules/vite"), join(modules, "vite")]);
  await runCommand("ln", ["-s", REPOSITORY, join(modules, "entitlement-sidecar")]);
  await runCommand("node", [join(REPOSITORY, "node_modules/vite/bin/vite.js"), "build", "--logLevel", "error"], {
    cwd: folder,
  });
  return join(folder, "dist");
}

/** @returns the origin of a server of the folder's files */
async function serveFiles(folder: string): Promise<string> {
  const types: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript" };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://page").pathname;
    const file = path === "/" ? "/index.html" : path;
    readFile(join(folder, file)).then(
      (bytes) =>
        response.writeHead(200, { "content-type": types[file.split(".").at(-1) ?? ""] ?? "text/plain" }).end(bytes),
      () => response.writeHead(404).end(),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** @param origin whose pages may ask @returns the sidecar's address */
async function startSidecarFor(origin: string): Promise<string> {
  const service = new ServiceProcess(["serve"], {
    CATALOG_FILE: join(REPOSITORY, "examples/catalog.yaml"),
    CORS_ALLOWED_ORIGINS: origin,
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    LISTEN_HOST: "127.0.0.1",
    START_MESSAGE: "json",
    SHUTDOWN_LINGER_MS: "0",
  });
  onTestFinished(async () => {
    service.child.kill("SIGTERM");
    await service.ended;
  });
  return `http://127.0.0.1:${(await service.started()).grpcPort}`;
}

/** What stands on the page once its script has run for some seconds of its own time. */
async function shown(url: string): Promise<string> {
  const dom = await runCommand(chromium ?? "", [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    `--user-data-dir=${await temporaryDirectory("chromium")}`,
    "--virtual-time-budget=6000",
    "--dump-dom",
    url,
  ]);
  return /<pre id="answers">([^]*?)<\/pre>/.exec(dom)?.[1] ?? dom;
}

itWith(chromium)("the page of the example asks the sidecar from Chromium, where its origin may", async () => {
  const page = await serveFiles(await buildPage());
  const allowed = await startSidecarFor(page);
  expect((await shown(`${page}/?sidecar=${allowed}`)).split("\n")).toEqual([
    "seats: granted=true used=7 limit=10",
    "sso: granted=false reason=NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION",
    "storage: used=43.5",
  ]);
  const other = await startSidecarFor("http://elsewhere.example");
  expect(await shown(`${page}/?sidecar=${other}`)).toMatch(/^failed: .*cannot be reached/);
});

import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "@jest/globals";
import { ServiceProcess } from "../integration/service/service-process.js";
import { startProxy } from "../interop/proxies.js";
import { pythonEnvironment } from "../interop/python-program.js";
import { findToolchain, itWith, tell } from "../interop/toolchain.js";
import { temporaryDirectory } from "../interop/workspace.js";
import { onTestFinished } from "../support/on-test-finished.js";
import { REPOSITORY } from "../support/repository.js";

const ENVOY = fileURLToPath(new URL("envoy/", import.meta.url));

/** By which Envoy itself is installed. */
const python = await findToolchain("Python 3 with venv on Linux of x86-64", "python3", [
  "-c",
  "import ensurepip, platform, sys, venv; assert sys.platform == 'linux' and platform.machine() == 'x86_64'; print(platform.python_version())",
]);

/** The sidecar with the example catalog. */
async function startGatedSidecar(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const service = new ServiceProcess(["serve"], {
    CATALOG_FILE: join(REPOSITORY, "examples/catalog.yaml"),
    EXT_AUTHZ_ENABLED: "true",
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    LISTEN_HOST: "127.0.0.1",
    START_MESSAGE: "json",
    SHUTDOWN_LINGER_MS: "0",
  });
  const stop = async () => {
    service.child.kill("SIGTERM");
    await service.ended;
  };
  onTestFinished(stop);
  return { port: (await service.started()).grpcPort, stop };
}

/** An application that answers with the headers that reach it. @returns its port */
async function startApplication(): Promise<number> {
  const server = createServer(({ headers }, response) => response.end(JSON.stringify(headers))).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A real Envoy with the example's configuration, but for its ports. @returns its URL */
async function startEnvoy(sidecarPort: number, applicationPort: number): Promise<string> {
  const command = join(dirname(await pythonEnvironment(ENVOY, python ?? "")), "envoy");
  const example = await readFile(join(REPOSITORY, "examples/envoy/envoy.yaml"), "utf8");
  const envoy = {
    name: "Envoy",
    command,
    probe: ["--version"],
    bearsEarlyCancels: true,
    async prepare(directory: string, port: number) {
      const file = join(directory, "envoy.yaml");
      const ports: Readonly<Record<string, number>> = { "8000": port, "50051": sidecarPort, "9000": applicationPort };
      await writeFile(
        file,
        example.replace(/(?<=port_value: )\d+/g, (named) => String(ports[named])),
      );
      return ["-c", file, "--log-level", "error", "--concurrency", "1", "--use-dynamic-base-id"];
    },
  };
  return `http://127.0.0.1:${await startProxy(envoy, await temporaryDirectory("envoy"), sidecarPort)}`;
}

itWith(python)("an unmodified Envoy gates routes by entitlement, with the example's configuration", async () => {
  tell(`Envoy of ${(await readFile(join(ENVOY, "requirements.txt"), "utf8")).trim()}`);
  const sidecar = await startGatedSidecar();
  const url = await startEnvoy(sidecar.port, await startApplication());

  async function send(path: string, customer: string | undefined, more: Record<string, string> = {}) {
    const headers = { ...(customer === undefined ? {} : { "x-customer-id": customer }), ...more };
    const response = await fetch(url + path, { headers });
    const text = await response.text();
    const body = text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {};
    return { status: response.status, headers: Object.fromEntries(response.headers), body };
  }

  // What the application is told, whatever the caller says of itself.
  const forged = { "x-entitlement-source": "me", "x-entitlement-remaining": "1000000", "x-entitlement-reason": "mine" };
  const passed = await send("/api/documents", "customer-demo", forged);
  expect(passed.status).toBe(200);
  expect(passed.body).toMatchObject({ "x-entitlement-source": "upstream", "x-entitlement-remaining": "800" });
  expect(passed.body).not.toHaveProperty("x-entitlement-reason");
  const switched = await send("/audit", "customer-demo", forged);
  expect(switched).toMatchObject({ status: 200, body: { "x-entitlement-source": "memory" } });
  expect(switched.body).not.toHaveProperty("x-entitlement-remaining");

  // A plan without the switch, a limit that is used up, and one that would be.
  const denied = "x-entitlement-denied-reason";
  const reason = "NoFeatureEntitlementInSubscription";
  expect(await send("/audit", "hobbyist")).toMatchObject({
    status: 403,
    headers: { [denied]: reason, "content-type": "application/json" },
    body: { reason, featureId: "audit-log" },
  });
  for (const [path, customer, usageLimit] of [
    ["/api", "hobbyist", 100],
    ["/bulk", "customer-demo", 10_000],
  ] as const) {
    const exceeded = await send(path, customer);
    expect(exceeded).toMatchObject({
      status: 429,
      headers: { [denied]: "RequestedUsageExceedingLimit" },
      body: { usageLimit, nextResetDate: expect.any(String) },
    });
    expect(Number(exceeded.headers["retry-after"])).toBeGreaterThan(0);
  }

  // What names nobody or nothing, and a route that is not asked about.
  expect(await send("/api", undefined)).toMatchObject({ status: 400, headers: { [denied]: "CustomerNotNamed" } });
  // The example passes no feature of a caller's own on.
  expect(await send("/", "customer-demo", { "x-feature-id": "audit-log" })).toMatchObject({
    status: 400,
    headers: { [denied]: "FeatureNotNamed" },
  });
  expect(await send("/public", undefined)).toMatchObject({ status: 200 });

  // The gateway's own mode for failures.
  await sidecar.stop();
  expect(await send("/api", "customer-demo")).toMatchObject({ status: 503 });
  expect(await send("/public", undefined)).toMatchObject({ status: 200 });
});

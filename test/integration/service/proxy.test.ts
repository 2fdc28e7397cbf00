import { spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { resolve } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { API_KEY, type EmulatedUpstream, emulatedUpstream } from "../../builders/sidecar-on-emulator.js";
import { eventually } from "../../support/expectations.js";
import { onTestFinished } from "../../support/on-test-finished.js";
import { Certificates } from "../listener/certificates.js";
import { runToEnd, ServiceProcess } from "./service-process.js";

const PROXY = resolve(import.meta.dirname, "../../builders/connect-proxy.mjs");

const CATALOG = {
  features: [{ id: "sso", kind: "boolean" as const }],
  plans: [{ id: "pro", entitlements: { sso: true } }],
  customers: [{ id: "acme", plan: "pro" }],
};

interface RunningProxy {
  readonly port: number;
  /** What it was asked for, line by line. */
  asked(): readonly string[];
}

async function startProxy(credentials?: string): Promise<RunningProxy> {
  const child = spawn(process.execPath, [PROXY], {
    env: credentials === undefined ? {} : { CREDENTIALS: credentials },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(async () => {
    child.kill();
    await once(child, "close");
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await eventually(() => output).toMatch(/port \d+\n/);
  const [first = "", ...lines] = output.split("\n");
  expect(lines).toEqual([""]);
  return { port: Number(first.slice("port ".length)), asked: () => output.trim().split("\n").slice(1) };
}

describe("a proxy of the environment", () => {
  let upstream: EmulatedUpstream;
  const certificates = new Certificates();
  const certificate = certificates.selfSigned();
  /** The emulator by https and wss. */
  const tls = createTlsServer(certificate, (socket) => {
    const behind = connect(Number(new URL(upstream.emulator.url).port), "127.0.0.1");
    socket.on("error", () => behind.destroy());
    behind.on("error", () => socket.destroy());
    socket.pipe(behind).pipe(socket);
  });
  let port: number;
  beforeAll(async () => {
    upstream = await emulatedUpstream(CATALOG);
    tls.listen(0, "127.0.0.1");
    await once(tls, "listening");
    port = (tls.address() as AddressInfo).port;
  });
  afterAll(async () => {
    tls.close();
    await upstream.stop();
    certificates.remove();
  });

  async function serve(environment: Readonly<Record<string, string>>, scheme: "http" | "https" = "https") {
    const host = scheme === "https" ? `localhost:${port}` : new URL(upstream.emulator.url).host;
    const service = new ServiceProcess(["serve"], {
      SERVER_API_KEY: API_KEY,
      API_URL: `${scheme}://${host}`,
      EDGE_API_URL: `${scheme}://${host}`,
      WS_URL: `${scheme.replace("http", "ws")}://${host}`,
      NODE_EXTRA_CA_CERTS: certificate.certFile,
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      LISTEN_HOST: "127.0.0.1",
      SHUTDOWN_LINGER_MS: "0",
      START_MESSAGE: "json",
      ...environment,
    });
    onTestFinished(async () => {
      service.child.kill("SIGTERM");
      await service.ended;
    });
    const { grpcPort, metricsPort, source } = await service.started();
    const check = () => runToEnd(["check", "acme", "sso", "--address", `127.0.0.1:${grpcPort}`]);
    const status = async () => (await fetch(`http://127.0.0.1:${metricsPort}/status`)).text();
    return { service, check, status, source, host };
  }

  it.each(["https", "http"] as const)("carries Edge, the API and the update stream (%s)", async (scheme) => {
    const proxy = await startProxy("user:pass word");
    const { service, check, status, source, host } = await serve(
      { [`${scheme.toUpperCase()}_PROXY`]: `http://user:pass%20word@127.0.0.1:${proxy.port}` },
      scheme,
    );
    expect((await check()).code).toBe(0);
    await eventually(status).toMatch(/"update_stream":\{"state":"up"/);
    const asked = proxy.asked();
    expect(new Set(asked)).toEqual(new Set([`CONNECT ${host}`]));
    // The stream has a connection of its own, and what was asked for once is asked for on the same one.
    expect(asked.length).toBeGreaterThanOrEqual(2);
    expect((await check()).code).toBe(0);
    expect(source).toContain(`by the proxy 127.0.0.1:${proxy.port}`);
    expect(service.stdout).not.toMatch(/pass%20word|pass word/);
  });

  it("is left out for what NO_PROXY names", async () => {
    const proxy = await startProxy();
    const { check, status, source } = await serve({
      HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
      NO_PROXY: "example.com,localhost",
    });
    expect((await check()).code).toBe(0);
    await eventually(status).toMatch(/"update_stream":\{"state":"up"/);
    expect(proxy.asked()).toEqual([]);
    expect(source).not.toContain("proxy");
  });

  it("that refuses is said to refuse, and is not mistaken for the server", async () => {
    const proxy = await startProxy("user:right");
    const { service, check, status } = await serve({ HTTPS_PROXY: `http://user:wrong@127.0.0.1:${proxy.port}` });
    expect((await check()).stdout).toMatch(/unknown.*a fallback/);
    await service.printed(/its proxy answers HTTP 407 to CONNECT/);
    expect(await status()).not.toMatch(/"apiKey":\{[^}]*"state":"refused"/);
  });
});

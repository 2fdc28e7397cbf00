import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ServiceProcess, type StartLine } from "./service-process.js";

const run = promisify(execFile);

const CATALOG = `
features:
  - { id: seats, kind: metered, meterType: Fluctuating }
  - { id: sso, kind: boolean }
plans:
  - { id: pro, entitlements: { seats: 10, sso: true } }
customers:
  - { id: acme's, plan: pro, usage: { seats: 8 } }
`;

let folder: string;
let catalogFile: string;
const services: ServiceProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lifecycle-"));
  catalogFile = join(folder, "catalog.yaml");
  await writeFile(catalogFile, CATALOG);
});
afterEach(async () => {
  for (const service of services.splice(0)) {
    service.child.kill("SIGKILL");
    await service.ended;
  }
  await rm(folder, { recursive: true });
});

function spawnService(environment: Readonly<Record<string, string>>): ServiceProcess {
  const service = new ServiceProcess(["serve"], {
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    SHUTDOWN_LINGER_MS: "0",
    ...environment,
  });
  services.push(service);
  return service;
}

async function start(
  environment: Readonly<Record<string, string>> = {},
): Promise<{ service: ServiceProcess; line: StartLine }> {
  const service = spawnService({ CATALOG_FILE: catalogFile, ...environment });
  return { service, line: await service.started() };
}

async function call(port: number, method: string, body: unknown): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}/stigg.sidecar.v1.SidecarService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify(body),
  });
  return response.json();
}

const SEATS = { customerId: "acme's", featureId: "seats" };

async function readiness({ metricsPort }: StartLine): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://127.0.0.1:${metricsPort}/readyz`);
  return { status: response.status, body: await response.text() };
}

/** Asks again until it is so; the test's own time limit ends it. */
async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate);
}

async function refusesConnections(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}

describe("a start", () => {
  it("tells the ports, the source and a command that works as it is", async () => {
    const { line } = await start({ LOG_LEVEL: "error" });
    expect(line).toMatchObject({
      level: "info",
      address: `http://localhost:${line.grpcPort}`,
      source: `catalog ${catalogFile} (2 features, 1 plan, 1 customer)`,
    });
    const { stdout } = await run("sh", ["-c", line.try]);
    expect(JSON.parse(stdout)).toMatchObject({ hasAccess: true, metered: { usageLimit: 10, currentUsage: 8 } });
  });

  it("tells the same to people where text is asked for", async () => {
    const service = spawnService({ CATALOG_FILE: catalogFile, START_MESSAGE: "text" });
    const [, command = ""] = await service.printed(/^ {2}try +(curl .*)$/m);
    expect(service.stdout).toMatch(/^ {2}address +http:\/\/localhost:\d+ /m);
    expect(service.stdout).toContain(`source   catalog ${catalogFile}`);
    const { stdout } = await run("sh", ["-c", command]);
    expect(JSON.parse(stdout)).toMatchObject({ hasAccess: true });
  });

  it("is ready once it is reported, and answers by all of health, metrics and checks", async () => {
    const { line } = await start();
    expect(await readiness(line)).toEqual({ status: 200, body: '{"status":"UP"}' });
    expect(
      await call(line.grpcPort, "GetMeteredEntitlement", { ...SEATS, options: { requestedUsage: 3 } }),
    ).toMatchObject({
      accessDeniedReason: "ACCESS_DENIED_REASON_REQUESTED_USAGE_EXCEEDING_LIMIT",
    });
    await call(line.grpcPort, "GetMeteredEntitlement", SEATS);
    const metrics = await (await fetch(`http://127.0.0.1:${line.metricsPort}/metrics`)).text();
    expect(metrics).toMatch(/^sidecar_cache_misses_total 1$/m);
    expect(metrics).toMatch(/^sidecar_cache_hits_total 1$/m);
    expect(metrics).toMatch(/^sidecar_answers_total\{source="upstream"\} 1$/m);
    expect(metrics).toMatch(/^sidecar_cache_subjects 1$/m);
  });

  it("offline answers from the fallbacks", async () => {
    const { line } = await start({
      CATALOG_FILE: "",
      OFFLINE: "yes",
      ENTITLEMENTS_FALLBACK: '{"sso":{"hasAccess":true}}',
    });
    expect(line.source).toBe("offline (fallbacks configured: 1)");
    expect(await call(line.grpcPort, "GetBooleanEntitlement", { customerId: "c", featureId: "sso" })).toMatchObject({
      hasAccess: true,
      isFallback: true,
    });
    expect(await call(line.grpcPort, "ReloadEntitlements", { customerId: "c" })).toEqual({
      entitledEntityExists: false,
    });
  });

  it("with a certificate serves TLS too", async () => {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    await run("openssl", [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      key,
      "-out",
      cert,
      "-days",
      "2",
      "-subj",
      "/CN=localhost",
      "-addext",
      "subjectAltName=DNS:localhost",
    ]);
    const { line } = await start({ PORT: "0", TLS_CERT_FILE: cert, TLS_KEY_FILE: key });
    const ask = httpsRequest({
      host: "localhost",
      port: line.tlsPort,
      ca: await readFile(cert),
      method: "POST",
      path: "/stigg.sidecar.v1.SidecarService/GetEntitlement",
      headers: { "content-type": "application/json" },
      agent: false,
    });
    ask.end(JSON.stringify(SEATS));
    const [response] = (await once(ask, "response")) as [NodeJS.ReadableStream & { statusCode: number }];
    response.resume();
    expect(response.statusCode).toBe(200);
  });
});

describe("a start that is refused", () => {
  const refusals: [fault: string, environment: () => Record<string, string>, received: RegExp][] = [
    ["nothing configured", () => ({}), /SERVER_API_KEY .*CATALOG_FILE .*OFFLINE/],
    [
      "values that do not fit",
      () => ({ CATALOG_FILE: catalogFile, GRPC_PORT: "eighty", LOG_LEVEL: "loud" }),
      /2 faults(.|\n)*GRPC_PORT(.|\n)*LOG_LEVEL/,
    ],
    [
      "a catalog that is not there",
      () => ({ CATALOG_FILE: join(folder, "none.yaml") }),
      /CATALOG_FILE: .*none\.yaml cannot be read/,
    ],
    [
      "an address that this machine has not",
      () => ({ CATALOG_FILE: catalogFile, GRPC_PORT: "0", METRICS_PORT: "0", LISTEN_HOST: "192.0.2.1" }),
      /LISTEN_HOST: this machine has no address 192\.0\.2\.1 to listen on .*choose a LISTEN_HOST that it has/,
    ],
    [
      "a certificate that is not there",
      () => ({ CATALOG_FILE: catalogFile, PORT: "0", TLS_CERT_FILE: "none.pem", TLS_KEY_FILE: "none.key" }),
      /^TLS_CERT_FILE: the TLS certificate none\.pem .*cannot be read/m,
    ],
  ];

  it.each(refusals)(
    "because of %s ends with 78, says so and prints no stack",
    async (_fault, environment, received) => {
      const { code, stdout, stderr } = await spawnService(environment()).ended;
      expect([code, stdout]).toEqual([78, ""]);
      expect(stderr).toMatch(received);
      expect(stderr).not.toMatch(/^ +at /m);
    },
  );

  it("because of a catalog names its line and what to do", async () => {
    await writeFile(catalogFile, CATALOG.replace("plan: pro", "plan: prp"));
    const { code, stderr } = await spawnService({ CATALOG_FILE: catalogFile }).ended;
    expect(code).toBe(78);
    expect(stderr).toMatch(/catalog\.yaml:8:\d+ .*"prp".*"pro"/);
  });

  it.each(["GRPC_PORT", "METRICS_PORT"])("because %s is taken names it", async (variable) => {
    const other = createServer().listen(0);
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await spawnService({ CATALOG_FILE: catalogFile, [variable]: String(port) }).ended;
    other.close();
    expect(code).toBe(78);
    expect(stderr).toMatch(new RegExp(`${variable}: .*${port}`));
  });
});

describe("an end", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("by %s exits with 0", async (signal) => {
    const { service } = await start();
    service.child.kill(signal);
    expect(await service.ended).toMatchObject({ code: 0, signal: null, stderr: "" });
  });

  it("first turns unready while calls are still accepted, and a second signal ends it at once", async () => {
    const { service, line } = await start({ SHUTDOWN_LINGER_MS: "3600000" });
    service.child.kill("SIGTERM");
    await eventually(async () => (await readiness(line)).status === 503);
    expect(await readiness(line)).toEqual({ status: 503, body: '{"status":"DOWN"}' });
    expect((await fetch(`http://127.0.0.1:${line.metricsPort}/livez`)).status).toBe(200);
    expect(await call(line.grpcPort, "GetMeteredEntitlement", SEATS)).toMatchObject({ hasAccess: true });
    service.child.kill("SIGTERM");
    expect(await service.ended).toMatchObject({ code: 143 });
  });

  it("lets a call in flight finish, and accepts no new one", async () => {
    const { service, line } = await start({ SHUTDOWN_GRACE_MS: "20000" });
    const { socket, finish } = await beginCall(line.grpcPort);
    service.child.kill("SIGTERM");
    await eventually(() => refusesConnections(line.grpcPort));
    const answer = textUntilClosed(socket);
    finish();
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK(.|\r|\n)*"hasAccess":true/);
    expect(await service.ended).toMatchObject({ code: 0 });
  });

  it("does not wait longer than the grace for a call that never finishes", async () => {
    const { service, line } = await start({ SHUTDOWN_GRACE_MS: "50" });
    const { socket } = await beginCall(line.grpcPort);
    const closed = textUntilClosed(socket);
    service.child.kill("SIGTERM");
    expect(await service.ended).toMatchObject({ code: 0 });
    await closed;
  });

  it("keeps the usage that was counted", async () => {
    const environment = { CATALOG_STATE_FILE: join(folder, "state.json") };
    const first = await start(environment);
    await call(first.line.grpcPort, "ReportUsage", { ...SEATS, value: 1 });
    first.service.child.kill("SIGTERM");
    expect(await first.service.ended).toMatchObject({ code: 0 });
    const second = await start(environment);
    expect(await call(second.line.grpcPort, "GetMeteredEntitlement", SEATS)).toMatchObject({
      entitlement: { currentUsage: 9 },
    });
  });
});

describe("what was not foreseen", () => {
  it.each([
    ["an exception", "throw new Error('defect ' + process.env.SERVER_API_KEY)"],
    ["a rejection", "void Promise.reject(new Error('defect ' + process.env.SERVER_API_KEY))"],
  ])("%s is logged without secrets and ends the process with 70", async (_what, defect) => {
    const inject = `process.on("SIGUSR2", () => { ${defect} })`;
    const { service } = await start({
      SERVER_API_KEY: "server-secret-1234",
      LOG_ERROR_KEY: "failure",
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(inject)}`,
    });
    service.child.kill("SIGUSR2");
    const { code, stdout } = await service.ended;
    expect(code).toBe(70);
    expect(JSON.parse(stdout.trimEnd().split("\n").at(-1)!)).toMatchObject({
      level: "error",
      failure: { message: "defect [redacted]" },
    });
    expect(stdout).not.toContain("server-secret-1234");
  });
});

describe("the output", () => {
  it("is JSON line by line, and never holds a secret", async () => {
    const secrets = { SERVER_API_KEY: "server-key-a1b2", REDIS_PASSWORD: "pass/word c3" };
    const { service, line } = await start({ ...secrets, LOG_LEVEL: "debug" });
    await call(line.grpcPort, "GetEntitlement", {
      customerId: secrets.SERVER_API_KEY,
      featureId: secrets.REDIS_PASSWORD,
    });
    await writeFile(
      catalogFile,
      `${CATALOG}\n  - { id: "${secrets.SERVER_API_KEY}", plan: "${secrets.REDIS_PASSWORD}" }\n`,
    );
    await service.printed(/last good catalog/);
    service.child.kill("SIGTERM");
    const { stdout, stderr } = await service.ended;
    for (const record of stdout.trimEnd().split("\n")) expect(JSON.parse(record)).toHaveProperty("msg");
    for (const secret of Object.values(secrets)) expect(stdout + stderr).not.toContain(secret);
  });

  it("that nobody reads any more does not end the service", async () => {
    const { service, line } = await start({ LOG_LEVEL: "debug" });
    service.child.stdout?.destroy();
    await writeFile(catalogFile, CATALOG.replace("seats: 10", "seats: 20"));
    await eventually(async () =>
      JSON.stringify(await call(line.grpcPort, "GetMeteredEntitlement", SEATS)).includes('"usageLimit":20'),
    );
    service.child.kill("SIGTERM");
    expect(await service.ended).toMatchObject({ code: 0 });
  });
});

/** A call whose last byte has not been sent: it is in flight for as long as the test wants. */
async function beginCall(port: number): Promise<{ socket: Socket; finish: () => void }> {
  const body = JSON.stringify(SEATS);
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  const head = [
    "POST /stigg.sidecar.v1.SidecarService/GetEntitlement HTTP/1.1",
    "host: sidecar",
    "content-type: application/json",
  ];
  // The interim answer to "expect" tells that the service has taken up the call.
  socket.write([...head, `content-length: ${body.length}`, "expect: 100-continue", "", ""].join("\r\n"));
  await once(socket, "data");
  socket.write(body.slice(0, -1));
  return { socket, finish: () => socket.write(body.slice(-1)) };
}

async function textUntilClosed(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(socket, "close");
  return text;
}

import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "@jest/globals";
import { Certificates } from "../listener/certificates.js";
import { ServiceProcess, type StartLine } from "./service-process.js";

const directory = mkdtempSync(join(tmpdir(), "access-"));
const certificates = new Certificates();
afterAll(() => {
  rmSync(directory, { recursive: true });
  certificates.remove();
});

const services: ServiceProcess[] = [];
afterEach(async () => {
  for (const { child } of services) child.kill("SIGKILL");
  await Promise.all(services.splice(0).map(({ ended }) => ended));
});

const LOCAL = {
  OFFLINE: "true",
  LISTEN_HOST: "127.0.0.1",
  GRPC_PORT: "0",
  METRICS_PORT: "0",
  LOG_LEVEL: "info",
  SHUTDOWN_LINGER_MS: "0",
};
const CHECK = "/stigg.sidecar.v1.SidecarService/GetEntitlement";
const BODY = JSON.stringify({ customerId: "c", featureId: "f" });
let files = 0;

function tokensFile(entries: unknown): string {
  const file = join(directory, `${++files}.json`);
  writeFileSync(file, typeof entries === "string" ? entries : JSON.stringify(entries));
  return file;
}

function tokenEntry(name: string, token: string, groups: unknown = "all") {
  return { name, sha256: createHash("sha256").update(token).digest("hex"), groups };
}

function service(environment: Readonly<Record<string, string>>): ServiceProcess {
  const started = new ServiceProcess(["serve"], { ...LOCAL, ...environment });
  services.push(started);
  return started;
}

async function check({ grpcPort }: StartLine, token?: string): Promise<{ status: number; text: string }> {
  const headers = {
    "content-type": "application/json",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const response = await fetch(`http://127.0.0.1:${grpcPort}${CHECK}`, { method: "POST", headers, body: BODY });
  return { status: response.status, text: await response.text() };
}

describe("AUTH_TOKENS_FILE", () => {
  it("takes another content into use, keeps the last good one beside a broken one, and says so once", async () => {
    const file = tokensFile([tokenEntry("first", "token-one")]);
    const run = service({ AUTH_TOKENS_FILE: file });
    const line = await run.started();
    expect((await check(line)).status).toBe(401);
    expect((await check(line, "token-one")).status).toBe(200);
    const replace = (text: string) => {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
    };
    replace("[{");
    await run.printed(/The last good entries stay in use/);
    expect((await check(line, "token-one")).status).toBe(200);
    replace(JSON.stringify([tokenEntry("second", "token-two", ["check"])]));
    await run.printed(/the file of tokens changed/);
    expect((await check(line, "token-one")).status).toBe(401);
    expect((await check(line, "token-two")).status).toBe(200);
    expect(run.stdout.match(/The last good entries stay in use/g)).toHaveLength(1);
    for (const secret of ["token-one", "token-two"]) expect(run.stdout).not.toContain(secret);
  });

  it.each([
    ["AUTH_TOKENS_FILE", () => tokensFile([tokenEntry("first", "token-one")]), "the file of tokens changed"],
    ["FAILURE_POLICY_FILE", () => tokensFile("default: { answer: deny }"), "the failure policies changed"],
  ])("of %s that is gone is told, and that it is back at the same level", async (setting, fileOf, back) => {
    const file = fileOf();
    const content = readFileSync(file);
    const run = service({ [setting]: file, LOG_LEVEL: "error" });
    await run.started();
    rmSync(file);
    await run.printed(/cannot be read any more/);
    writeFileSync(file, content);
    await run.printed(new RegExp(`${back}.*"isRecovery":true`));
  });

  it.each([
    ["is not there", () => join(directory, "none.yaml"), /AUTH_TOKENS_FILE: .*none\.yaml cannot be read/],
    [
      "has a fault",
      () => tokensFile([tokenEntry("a", "x", ["checks"])]),
      /AUTH_TOKENS_FILE: [^]*entry 1: it has the unknown group "checks": write all/,
    ],
  ])("that %s stops the start with what to do", async (_, fileOf, said) => {
    const { code, stderr } = await service({ AUTH_TOKENS_FILE: fileOf() }).ended;
    expect(code).toBe(78);
    expect(stderr).toMatch(said);
  });

  it("knows callers by the common name of their client certificate", async () => {
    const server = certificates.selfSigned();
    const authority = certificates.selfSigned();
    const client = certificates.signedBy(authority);
    const entries = [{ name: "mutual", certificate: "client", groups: ["check"] }];
    const tls = {
      TLS_CERT_FILE: server.certFile,
      TLS_KEY_FILE: server.keyFile,
      TLS_CLIENT_CA_FILE: authority.certFile,
      PORT: "0",
    };
    const line = await service({ ...tls, AUTH_TOKENS_FILE: tokensFile(entries) }).started();
    const statusOf = async (path: string) => {
      const request = httpsRequest({
        host: "127.0.0.1",
        port: line.tlsPort,
        path,
        method: "POST",
        ca: server.cert,
        cert: client.cert,
        key: client.key,
        agent: false,
        headers: { "content-type": "application/json" },
      });
      request.end(BODY);
      const [response] = (await once(request, "response")) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    expect(await statusOf(CHECK)).toBe(200);
    expect(await statusOf("/stigg.sidecar.v1.SidecarService/ReloadEntitlements")).toBe(403);
    expect((await check(line)).status).toBe(401);
  });
});

describe("the rest of access", () => {
  it("bounds the rate of a caller", async () => {
    const line = await service({ RATE_LIMIT: "2" }).started();
    const answers = await Promise.all(Array.from({ length: 20 }, () => check(line)));
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(2);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.text).toContain("retry after 500 ms");
  });

  it("bounds ids, items and the depth of JSON", async () => {
    const { grpcPort } = await service({
      MAX_ID_BYTES: "8",
      MAX_ITEMS_PER_REQUEST: "2",
      MAX_JSON_DEPTH: "4",
    }).started();
    const failureOf = async (method: string, body: string) => {
      const response = await fetch(`http://127.0.0.1:${grpcPort}/stigg.sidecar.v1.SidecarService/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      return { status: response.status, text: await response.text() };
    };
    for (const [request, field] of [
      [{ customerId: "123456789", featureId: "f" }, "customer_id"],
      [{ customerId: "ééééé", featureId: "f" }, "customer_id"],
      [{ customerId: "c", resourceId: "123456789", featureId: "f" }, "resource_id"],
      [{ customerId: "c", featureId: "123456789" }, "feature_id"],
    ] as const) {
      expect(await failureOf("GetEntitlement", JSON.stringify(request))).toEqual({
        status: 400,
        text: expect.stringMatching(new RegExp(`${field} is longer than 8 bytes .MAX_ID_BYTES`)),
      });
    }
    expect((await failureOf("GetEntitlementV2", '{"customerId":"c","currencyId":"123456789"}')).text).toContain(
      "currency_id is longer",
    );
    expect((await failureOf("GetEntitlement", '{"customerId":"12345678","featureId":"éééé"}')).status).toBe(200);
    expect((await failureOf("ReportUsageBulk", JSON.stringify({ usages: [{}, {}, {}] }))).text).toContain(
      "MAX_ITEMS_PER_REQUEST",
    );
    expect((await failureOf("GetEntitlement", `{"a":${"[".repeat(5)}${"]".repeat(5)}}`)).text).toContain(
      "MAX_JSON_DEPTH",
    );
  });

  it("refuses a foreign host on a loopback address by default, and serves those that are listed", async () => {
    const hostStatus = async ({ grpcPort }: StartLine, host: string) => {
      const { request } = await import("node:http");
      const sent = request({
        host: "127.0.0.1",
        port: grpcPort,
        path: CHECK,
        method: "POST",
        agent: false,
        headers: { "content-type": "application/json", host },
      });
      sent.end(BODY);
      const [response] = (await once(sent, "response")) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    const local = await service({}).started();
    expect(await hostStatus(local, "rebound.example")).toBe(403);
    expect(await hostStatus(local, "localhost:1")).toBe(200);
    expect(await hostStatus(local, "sidecar:1")).toBe(200);
    const listed = await service({ ALLOWED_HOSTS: "rebound.example" }).started();
    expect(await hostStatus(listed, "rebound.example:80")).toBe(200);
    expect(await hostStatus(listed, "localhost")).toBe(403);
    expect(await hostStatus(await service({ ALLOWED_HOSTS: "*" }).started(), "any.example")).toBe(200);
  });

  it("has metrics listen on an address of their own", async () => {
    const { metricsPort } = await service({ METRICS_HOST: "127.0.0.2" }).started();
    expect((await fetch(`http://127.0.0.2:${metricsPort}/livez`)).status).toBe(200);
    await expect(fetch(`http://127.0.0.1:${metricsPort}/livez`)).rejects.toThrow();
  });

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ["on this machine alone", {}, "this machine alone"],
    ["with a rate", { RATE_LIMIT: "5" }, "this machine alone, 5 calls a second each"],
  ])("says at the start who may ask: %s", async (_, environment, access) => {
    const run = service(environment);
    expect(await run.started()).toMatchObject({ access });
    expect(run.stdout).not.toContain("anybody who reaches");
  });
});

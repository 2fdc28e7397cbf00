import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { credentials } from "@grpc/grpc-js";
import { afterEach, expect, it } from "@jest/globals";
import { selfSignedCertificate } from "../../../src/adapters/rpc/listener/self-signed-certificate.js";
import { ServiceProcess, type StartLine } from "../service/service-process.js";

const NOW = Date.parse("2026-01-31T12:00:00Z");
const PATH = "/stigg.sidecar.v1.SidecarService/GetBooleanEntitlement";
const running: ServiceProcess[] = [];
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill("SIGTERM");
    await ended;
  }
});

async function serve(): Promise<StartLine & { readonly tlsPort: number; readonly tlsFingerprint: string }> {
  const process = new ServiceProcess(["serve"], {
    OFFLINE: "true",
    ENTITLEMENTS_FALLBACK: '{"sso":{"hasAccess":true}}',
    TLS_SELF_SIGNED: "true",
    PORT: "0",
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    SHUTDOWN_LINGER_MS: "0",
    START_MESSAGE: "json",
  });
  running.push(process);
  return (await process.started()) as StartLine & { tlsPort: number; tlsFingerprint: string };
}

it("is a certificate for this machine, signed by its own key", () => {
  const { cert, key, fingerprint } = selfSignedCertificate(NOW, "a-host");
  const certificate = new X509Certificate(cert);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(key).toContain("PRIVATE KEY");
  expect(certificate.fingerprint256).toBe(fingerprint);
  expect(["localhost", "a-host"].map((name) => certificate.checkHost(name))).toEqual(["localhost", "a-host"]);
  expect(["127.0.0.1", "::1"].map((address) => certificate.checkIP(address))).toEqual(["127.0.0.1", "::1"]);
  expect(certificate.checkHost("another")).toBeUndefined();
  expect([certificate.validFrom, certificate.validTo].map((at) => Date.parse(at))).toEqual([
    Date.parse("2026-01-30T12:00:00Z"),
    Date.parse("2028-05-05T12:00:00Z"),
  ]);
});

it("is another at each start, and after 2050 too", () => {
  const late = selfSignedCertificate(Date.parse("2051-01-01T00:00:00Z"), "a-host");
  expect(late.expiresAt).toBe(Date.parse("2053-04-05T00:00:00Z"));
  expect(late.fingerprint).not.toBe(selfSignedCertificate(NOW, "a-host").fingerprint);
});

it("serves curl over HTTP/2, and tells its fingerprint at the start", async () => {
  const { tlsPort, tlsFingerprint } = await serve();
  const { stdout } = await promisify(execFile)("curl", [
    ...["-sk", "--http2", "-w", " %{http_version}", "-H", "content-type: application/json"],
    ...["-d", '{"customerId":"acme","featureId":"sso"}', `https://localhost:${tlsPort}${PATH}`],
  ]);
  expect(stdout).toMatch(/"hasAccess":true.* 2$/);
  const seen = await new Promise<string>((resolve, reject) => {
    const socket = connect({ port: tlsPort, host: "localhost", rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    }).on("error", reject);
  });
  expect(seen).toBe(tlsFingerprint);
});

it("serves a gRPC client that trusts it, and one that does not is refused", async () => {
  const { Client } = await import("@grpc/grpc-js");
  const { tlsPort } = await serve();
  const pem = await new Promise<string>((resolve, reject) => {
    const socket = connect({ port: tlsPort, host: "localhost", rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.toString() ?? "");
      socket.destroy();
    }).on("error", reject);
  });
  // customer_id "acme", feature_id "sso"
  const request = Buffer.from("0a0461636d6512037373 6f".replaceAll(" ", ""), "hex");
  const ask = (ca: Buffer | null) =>
    new Promise<Buffer>((resolve, reject) => {
      const client = new Client(`localhost:${tlsPort}`, credentials.createSsl(ca));
      const raw = (bytes: Buffer) => bytes;
      client.makeUnaryRequest(PATH, raw, raw, request, (error, answer) => {
        client.close();
        if (error === null) resolve(answer ?? Buffer.alloc(0));
        else reject(error);
      });
    });
  expect((await ask(Buffer.from(pem))).length).toBeGreaterThan(0);
  await expect(ask(null)).rejects.toThrow(/UNAVAILABLE/);
});

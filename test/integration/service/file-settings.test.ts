import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startRedis } from "../../builders/redis-servers.js";
import { API_KEY, type EmulatedUpstream, emulatedUpstream } from "../../builders/sidecar-on-emulator.js";
import { eventually } from "../../support/expectations.js";
import { runToEnd, ServiceProcess } from "./service-process.js";

const CATALOG = {
  features: [{ id: "sso", kind: "boolean" as const }],
  plans: [{ id: "pro", entitlements: { sso: true } }],
  customers: [{ id: "acme", plan: "pro" }],
};

describe("settings that are given as files", () => {
  let upstream: EmulatedUpstream;
  let folder: string;
  beforeAll(async () => {
    upstream = await emulatedUpstream(CATALOG);
    folder = await mkdtemp(join(tmpdir(), "file-settings-"));
  });
  afterAll(async () => {
    await upstream.stop();
    await rm(folder, { recursive: true });
  });

  it("are read again on SIGHUP: a new API key is sent, a new log level obeyed, and the service goes on", async () => {
    const [key, level] = [join(folder, "key"), join(folder, "level")];
    await Promise.all([writeFile(key, "an-old-key\n"), writeFile(level, "error\n")]);
    const service = new ServiceProcess(["serve"], {
      SERVER_API_KEY_FILE: key,
      LOG_LEVEL_FILE: level,
      API_URL: upstream.emulator.url,
      EDGE_API_URL: upstream.emulator.url,
      WS_ENABLED: "false",
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      LISTEN_HOST: "127.0.0.1",
      SHUTDOWN_LINGER_MS: "0",
      START_MESSAGE: "json",
    });
    const { grpcPort, metricsPort } = await service.started();
    const status = async () =>
      (await (await fetch(`http://127.0.0.1:${metricsPort}/status`)).json()) as {
        readonly isDegraded: boolean;
        readonly apiKey: { readonly state: string; readonly fingerprint: string };
      };
    const check = () => runToEnd(["check", "acme", "sso", "--address", `127.0.0.1:${grpcPort}`, "--json"]);
    expect((await check()).code).toBe(1);
    await eventually(async () => (await status()).apiKey.state).toBe("refused");
    const { fingerprint } = (await status()).apiKey;
    await Promise.all([writeFile(key, `${API_KEY}\n`), writeFile(level, "info\n")]);
    service.child.kill("SIGHUP");
    await service.printed(/the API key was replaced/);
    await eventually(async () => (await check()).code).toBe(0);
    expect(JSON.parse((await check()).stdout)).toMatchObject({
      entitlement: { hasAccess: true },
      source: "memory",
      ageMs: expect.any(Number) as unknown as number,
    });
    const { isDegraded, apiKey } = await status();
    expect({ isDegraded, state: apiKey.state }).toEqual({ isDegraded: false, state: "accepted" });
    expect(apiKey.fingerprint).not.toBe(fingerprint);
    await writeFile(level, "loud\n");
    service.child.kill("SIGHUP");
    await service.printed(/LOG_LEVEL_FILE holds no log level/);
    expect(service.stdout.match(/the log level is another/g)).toHaveLength(1);
    service.child.kill("SIGTERM");
    expect(await service.ended).toMatchObject({
      code: 0,
      stdout: expect.not.stringContaining(API_KEY) as unknown as string,
    });
  });

  it("follow their files also for Redis and the metrics port: connections made from then on use the new password", async () => {
    const redis = await startRedis({ password: "old-password" });
    const [password, token] = [join(folder, "password"), join(folder, "token")];
    await Promise.all([writeFile(password, "old-password\n"), writeFile(token, "old-token\n")]);
    const service = new ServiceProcess(["serve"], {
      SERVER_API_KEY: API_KEY,
      API_URL: upstream.emulator.url,
      EDGE_API_URL: upstream.emulator.url,
      REDIS_ENVIRONMENT_PREFIX: "test",
      REDIS_HOST: redis.host,
      REDIS_PORT: String(redis.port),
      REDIS_PASSWORD_FILE: password,
      OPS_TOKEN_FILE: token,
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      LISTEN_HOST: "127.0.0.1",
      SHUTDOWN_LINGER_MS: "0",
      START_MESSAGE: "json",
    });
    const { metricsPort } = await service.started();
    const ask = (path: string, bearer: string) =>
      fetch(`http://127.0.0.1:${metricsPort}${path}`, { headers: { authorization: `Bearer ${bearer}` } });
    const isRedisUp = async (bearer: string) =>
      (await ask("/status?expect=dependencies.redis.state=up", bearer)).status === 200;
    await eventually(() => isRedisUp("old-token")).toBe(true);
    expect((await ask("/explain?customer=acme&feature=sso", "old-token")).status).toBe(200);

    await redis.admin.config("SET", "requirepass", "new-password");
    await redis.admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await service.printed(/REDIS_PASSWORD/);
    await Promise.all([writeFile(password, "new-password\n"), writeFile(token, "new-token\n")]);
    service.child.kill("SIGHUP");
    await service.printed(/the password of Redis was replaced/);
    await service.printed(/the token of the metrics port was replaced/);
    await eventually(() => isRedisUp("new-token"), { timeout: 20_000 }).toBe(true);
    expect((await ask("/explain?customer=acme&feature=sso", "old-token")).status).toBe(401);
    expect((await ask("/explain?customer=acme&feature=sso", "new-token")).status).toBe(200);
    service.child.kill("SIGTERM");
    const { stdout } = await service.ended;
    for (const secret of ["old-password", "new-password", "old-token", "new-token"])
      expect(stdout).not.toContain(secret);
    await redis.stop();
  });
});

describe("completion", () => {
  it.each(["bash", "zsh", "fish"])("for %s knows commands and their options", async (shell) => {
    const { code, stdout } = await runToEnd(["completion", shell]);
    expect(code).toBe(0);
    for (const word of ["explain", "whatif", "requested-usage"]) expect(stdout).toContain(word);
  });

  it("for another shell says which there are", async () => {
    expect(await runToEnd(["completion", "tcsh"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("bash, zsh and fish") as unknown as string,
    });
  });
});

import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { inkwell } from "../../builders/inkwell.js";
import { getEdge, type Json, rawSubscriber, RawSubscription } from "../../fixtures/raw-api.js";
import { runToEnd, ServiceProcess } from "../service/service-process.js";

let folder: string;
let catalogFile: string;
const running: ServiceProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "emulate-"));
  catalogFile = join(folder, "catalog.json");
  await writeFile(catalogFile, JSON.stringify(inkwell()));
});

afterEach(async () => {
  for (const service of running.splice(0)) {
    service.child.kill("SIGKILL");
    await service.ended;
  }
});

afterAll(() => rm(folder, { recursive: true }));

async function emulate(...args: string[]): Promise<{ service: ServiceProcess; url: string; wsUrl: string }> {
  const service = new ServiceProcess(["emulate", "--catalog", catalogFile, "--port", "0", ...args], {});
  running.push(service);
  const [, url = "", wsUrl = ""] = await service.printed(/API_URL=(http:\S+) .* WS_URL=(ws:\S+)/);
  await service.printed(/curl .*\n/);
  return { service, url, wsUrl };
}

describe("emulate", () => {
  it("serves a catalog file, says how to use it, and ends at a signal", async () => {
    const { service, url } = await emulate();
    expect(service.stdout).toContain(`curl -H 'X-API-KEY: any' ${url}/v1/c/acme/entitlements-state.json`);
    const { json } = await getEdge(url, "/v1/c/acme/entitlements-state.json", { "X-API-KEY": "whatever" });
    expect(json.data.entitlementsState.entitlementsV2).toHaveLength(7);
    expect((await fetch(`${url}/emulator/stats`)).status).toBe(404);
    service.child.kill("SIGTERM");
    expect(await service.ended).toMatchObject({ code: 0, signal: null });
  });

  it("tells subscribers of what changes in the file", async () => {
    const { url, wsUrl } = await emulate("--api-key", "k", "--control");
    const client = rawSubscriber(wsUrl, { "X-API-KEY": "k" });
    const subscription = new RawSubscription(client, "subscription { entitlementsUpdatedV2 { customerId } }");
    await subscribed(url);
    await writeFile(catalogFile, JSON.stringify(inkwell({ overrides: { seats: 99 } })));
    expect((await subscription.next()).data.entitlementsUpdatedV2).toEqual({ customerId: "acme" });
    expect((await getEdge(url, "/v1/c/acme/entitlements-state.json", { "X-API-KEY": "other" })).status).toBe(401);
    await client.dispose();
  });

  it.each<[string, string[], string]>([
    ["no catalog", [], "missing: --catalog <file>"],
    ["a port that is none", ["--catalog", "x", "--port", "65536"], "--port must be a number from 0"],
    ["a port in words", ["--catalog", "x", "--port", "http"], "--port must be a number from 0"],
    ["an option that there is not", ["--catalogue", "x"], "--catalogue"],
  ])("does not understand %s", async (_, args, message) => {
    const { code, stderr } = await runToEnd(["emulate", ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it("says what is wrong with a catalog, or that there is none", async () => {
    const broken = join(folder, "broken.yaml");
    await writeFile(broken, "features: []\ncustomers:\n  - { id: a, plan: none }\n");
    const faulty = await runToEnd(["emulate", "--catalog", broken]);
    expect(faulty).toMatchObject({ code: 2, stdout: "" });
    expect(faulty.stderr).toContain("broken.yaml:3:");
    expect((await runToEnd(["emulate", "--catalog", join(folder, "none.yaml")])).code).toBe(2);
  });

  it("says that a port is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await runToEnd(["emulate", "--catalog", catalogFile, "--port", String(port)]);
    const fault = `error: --port: port ${port} of 127.0.0.1 is in use (EADDRINUSE): end what listens there, or choose another --port; --port 0 takes any free one\n`;
    expect({ code, stderr }).toEqual({ code: 2, stderr: fault });
    other.close();
  });
});

/** Asks until somebody has subscribed: another process tells its counts only when it is asked. */
async function subscribed(url: string): Promise<void> {
  for (;;) {
    const stats = (await (await fetch(`${url}/emulator/stats`)).json()) as Json;
    if (stats.subscriptions.entitlementsUpdatedV2 === 1) return;
  }
}

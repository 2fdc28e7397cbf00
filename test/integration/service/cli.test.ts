import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { openCatalog } from "../../../src/adapters/catalog/engine/open-catalog.js";
import { SystemClock } from "../../../src/adapters/ops/system-clock.js";
import { settingsTable } from "../../../src/bootstrap/config/settings/setting.js";
import { SETTINGS } from "../../../src/bootstrap/config/settings/settings.js";
import { type CatalogInput, type RunningSidecar, startSidecar } from "../../../src/public/testing.js";
import { usageEvent } from "../../builders/catalog-use.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";
import { onTestFinished } from "../../support/on-test-finished.js";
import { Certificates } from "../listener/certificates.js";
import { runToEnd } from "./service-process.js";

const CATALOG: CatalogInput = {
  features: [
    { id: "seats", kind: "metered", meterType: "Fluctuating", units: "seat", unitsPlural: "seats" },
    { id: "requests", kind: "metered", meterType: "Incremental" },
    { id: "sso", kind: "boolean" },
    { id: "audit-log", kind: "boolean" },
    { id: "retention", kind: "numeric" },
    { id: "regions", kind: "enum" },
  ],
  creditCurrencies: [{ id: "tokens", unitPlural: "tokens" }],
  plans: [
    {
      id: "pro",
      entitlements: {
        seats: 10,
        requests: { limit: 5, softLimit: true },
        sso: true,
        retention: 30,
        regions: ["eu", "us"],
      },
      includedCredits: [{ currency: "tokens", amount: 100 }],
    },
  ],
  customers: [
    {
      id: "acme",
      plan: "pro",
      usage: { seats: 8 },
      creditsUsed: { tokens: 40 },
      resources: [{ id: "site-1", overrides: { seats: 3 } }],
    },
  ],
};

describe("check", () => {
  let sidecar: RunningSidecar;
  beforeAll(async () => {
    sidecar = await startSidecar({ catalog: CATALOG });
  });
  afterAll(() => sidecar.stop());

  const check = (...args: string[]) => runToEnd(["check", ...args, "--address", sidecar.address]);

  it.each<[args: string[], code: number, line: string]>([
    [["acme", "seats"], 0, "granted: acme seats (8 of 10 seats used)"],
    [["acme", "seats", "--requested-usage", "2"], 0, "granted: acme seats (8 of 10 seats used, 2 requested)"],
    [
      ["acme", "seats", "--requested-usage", "3"],
      1,
      "denied: acme seats (requested usage exceeding limit, 8 of 10 seats used, 3 requested)",
    ],
    [["acme", "requests", "--requested-usage=9"], 0, "granted: acme requests (0 of 5 used, a soft limit, 9 requested)"],
    [["acme", "sso"], 0, "granted: acme sso"],
    [["acme", "retention"], 0, "granted: acme retention (value 30)"],
    [["acme", "regions", "--requested-values", "eu,us"], 0, "granted: acme regions (allowed: eu us, requested: eu us)"],
    [
      ["acme", "regions", "--requested-values", "mars"],
      1,
      "denied: acme regions (requested values mismatch, allowed: eu us, requested: mars)",
    ],
    [["acme", "tokens", "--credits"], 0, "granted: acme tokens (60 of 100 tokens left)"],
    [
      ["acme", "tokens", "--credits", "--requested-usage", "61"],
      1,
      "denied: acme tokens (insufficient credits, 60 of 100 tokens left, 61 requested)",
    ],
    [["acme", "seats", "--resource", "site-1"], 0, "granted: acme seats (0 of 3 seats used)"],
    [["acme", "audit-log"], 1, "denied: acme audit-log (no feature entitlement in subscription)"],
    [["acme", "saets"], 1, "denied: acme saets (there is no such feature: `explain` names those like it)"],
    [
      ["nobody", "saets"],
      1,
      "denied: nobody saets (customer not found, there is no such feature: `explain` names those like it)",
    ],
    [["acme", "seats", "--timeout", "10s"], 0, "granted: acme seats (8 of 10 seats used)"],
    [["nobody", "seats"], 1, "denied: nobody seats (customer not found)"],
  ])("%j", async (args, code, line) => {
    expect(await check(...args)).toMatchObject({ code, stdout: `${line}\n`, stderr: "" });
  });

  it("says what is wrong with a question that the service refuses", async () => {
    expect(await check("acme", "seats", "--requested-usage", "-1")).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("options.requested_usage was -1: send 0 or more") as unknown as string,
    });
  });

  it("tells everything as JSON where it is asked to", async () => {
    const { code, stdout } = await check("acme", "seats", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      entitlement: { hasAccess: true, metered: { usageLimit: 10, currentUsage: 8 } },
    });
  });

  it("asks where GRPC_PORT points, without an address", async () => {
    const { stdout, stderr } = await runToEnd(["check", "acme", "sso"], { GRPC_PORT: String(sidecar.port) });
    expect(stdout).toBe("granted: acme sso\n");
    expect(stderr).toBe(`asking http://localhost:${sidecar.port} (GRPC_PORT=${sidecar.port})\n`);
  });

  it("takes a URL for an address", async () => {
    expect(await runToEnd(["check", "acme", "sso", "--address", `${sidecar.baseUrl}/`])).toMatchObject({ code: 0 });
  });

  it("ends with 2 where the sidecar refuses the question", async () => {
    expect(await check("", "seats")).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/^error: .*customer_id/),
    });
  });
});

describe("check without a sidecar to ask", () => {
  it("ends with 2 and says how to get one", async () => {
    const { code, stdout, stderr } = await runToEnd(["check", "acme", "seats", "--address", "127.0.0.1:1"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: no sidecar answers at http:\/\/127\.0\.0\.1:1 .*npm start.*--address/);
  });

  it.each<[what: string, onConnection: (socket: Socket) => void]>([
    ["answers every path with 404", answer("404 Not Found", "text/plain", "no such page")],
    ["answers every path with a page", answer("200 OK", "text/html", "<html></html>")],
    ["answers every path with 503", answer("503 Service Unavailable", "text/plain", "")],
    ["answers with JSON of its own", answer("200 OK", "application/json", '{"ok":true}')],
    ["answers with JSON that is no object", answer("200 OK", "application/json", "[]")],
    ["greets in another protocol", (socket) => void socket.end("220 mail.example ESMTP\r\n")],
    ["asks for a password", answer("401 Unauthorized", "text/plain", "who are you?")],
    ["forbids everything", answer("403 Forbidden", "application/json", '{"error":"no"}')],
    ["is busy", answer("429 Too Many Requests", "text/plain", "")],
    ["refuses in words of its own", answer("400 Bad Request", "application/json", '{"error":"no"}')],
    ["sends elsewhere", answer("302 Found", "text/html", "")],
    ["hangs up at once", (socket) => socket.resetAndDestroy()],
    ["hangs up", (socket) => void socket.once("data", () => socket.destroy())],
  ])("says of a server that %s that it is no sidecar", async (_, onConnection) => {
    const server = createServer((socket) => onConnection(socket.on("error", () => undefined))).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { code, stdout, stderr } = await runToEnd(["check", "acme", "seats"], {
      GRPC_PORT: String(port),
      LISTEN_HOST: "127.0.0.1",
    });
    server.close();
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`what answers at http://127.0.0.1:${port} is not an entitlement sidecar (`);
  });

  it("says of a certificate that it is not trusted, and how to have it so", async () => {
    const certificates = new Certificates();
    onTestFinished(() => certificates.remove());
    const server = createTlsServer(certificates.selfSigned()).listen(0);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await runToEnd(["check", "acme", "seats", "--address", `https://localhost:${port}`]);
    server.close();
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error: the certificate of https:\/\/localhost:\d+ is not trusted \(.*--ca <file>.*--insecure/,
    );
  });

  it("says of a port without TLS that it is asked by http", async () => {
    const sidecar = await startSidecar({ catalog: CATALOG });
    const address = sidecar.baseUrl.replace("http:", "https:");
    const { code, stderr } = await runToEnd(["check", "acme", "seats", "--address", address]);
    await sidecar.stop();
    expect(code).toBe(2);
    expect(stderr).toContain(`${address} does not speak TLS: ask it by http://`);
  });

  it("does not wait for ever", async () => {
    const silent = createServer(() => {}).listen(0);
    const { port } = silent.address() as AddressInfo;
    const { code, stderr } = await runToEnd([
      "check",
      "acme",
      "seats",
      "--address",
      `127.0.0.1:${port}`,
      "--timeout",
      "50",
    ]);
    silent.close();
    expect(code).toBe(2);
    expect(stderr).toMatch(/did not answer within 50 ms/);
  });
});

function answer(status: string, type: string, body: string): (socket: Socket) => void {
  return (socket) =>
    void socket.once("data", () =>
      socket.end(
        `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      ),
    );
}

describe("a command line that cannot be understood", () => {
  it.each<[args: string[], fault: RegExp]>([
    [["chek", "acme", "seats"], /there is no command "chek"/],
    [["check"], /missing: <customer> <feature>/],
    [["check", "acme"], /missing: <feature>/],
    [["check", "acme", "seats", "more"], /not understood: more/],
    [["check", "acme", "seats", "--usage", "1"], /'--usage'/],
    [["check", "acme", "seats", "--requested-usage", "many"], /--requested-usage must be a number, not "many"/],
    [["check", "acme", "seats", "--requested-usage", "Infinity"], /--requested-usage must be a number/],
    [
      ["check", "acme", "seats", "--timeout", "0"],
      /--timeout must be an integer from 1 to 3600000 \(milliseconds, or with a unit: 500ms/,
    ],
    [["check", "acme", "seats", "--address", "ftp://x"], /--address must be host:port or a URL/],
    [["serve", "now"], /not understood: now/],
    [["validate"], /missing: <catalog file>/],
  ])("%j ends with 2, says why and points to the help", async (args, fault) => {
    const { code, stdout, stderr } = await runToEnd(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(fault);
    expect(stderr).toContain('"entitlement-sidecar help"');
  });
});

describe("validate", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "validate-"));
    await writeFile(join(folder, "good.json"), JSON.stringify(CATALOG));
    await writeFile(join(folder, "bad.yaml"), "features:\n  - { id: sso, kind: bolean }\ncustomers: []\n");
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("says of a good catalog what it holds", async () => {
    expect(await runToEnd(["validate", "good.json"], {}, folder)).toMatchObject({
      code: 0,
      stdout: "good.json can be served: 6 features, 1 plan, 1 customer\n",
      stderr: "",
    });
  });

  it("says of a bad one where it is wrong", async () => {
    const { code, stdout, stderr } = await runToEnd(["validate", "bad.yaml"], {}, folder);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/bad\.yaml:2:\d+ features\[0\]\.kind/);
  });

  it("says which events came to nothing", async () => {
    const [clock, logger] = [new SystemClock(), new RecordingLogger()];
    const engine = await openCatalog({
      source: { catalog: CATALOG },
      stateFile: join(folder, "usage.jsonl"),
      clock,
      logger,
    });
    const customerId = CATALOG.customers[0]?.id ?? "";
    await engine.reportEvents(["typo", "typo", "click"].map((name) => usageEvent({ customerId }, name)));
    // Also beside a service that runs.
    const args = ["validate", "good.json", "--state", "usage.jsonl"];
    const expected = {
      code: 0,
      stdout: expect.stringMatching(
        /can be served[^]*\n2 events "typo" came, and[^]*\n1 event "click" came/,
      ) as unknown,
      stderr: "",
    };
    expect(await runToEnd(args, {}, folder)).toMatchObject(expected);
    await engine.close();
    expect(await runToEnd(args, {}, folder)).toMatchObject(expected);
    expect(await runToEnd(["validate", "good.json", "--state", "none.jsonl"], {}, folder)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/none\.jsonl cannot be read/),
    });
  });

  it("says of one that is not there that it is not", async () => {
    expect(await runToEnd(["validate", "none.yaml"], {}, folder)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/none\.yaml cannot be read/),
    });
  });
});

describe("help", () => {
  it.each([["help"], ["--help"], ["-h"]])("%s shows every command", async (argument) => {
    const { code, stdout } = await runToEnd(argument.split(" "));
    expect(code).toBe(0);
    for (const command of ["serve", "check <customer> <feature>", "validate <catalog file>", "--version"])
      expect(stdout).toContain(command);
  });

  it.each(["check --help", "check -h", "help check"])("%s shows that command alone", async (argument) => {
    const { code, stdout } = await runToEnd(argument.split(" "));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^entitlement-sidecar check <customer> <feature>/);
    expect(stdout).not.toContain("emulate");
  });

  it("shows the whole configuration", async () => {
    expect((await runToEnd(["help", "configuration"])).stdout).toBe(`${settingsTable(SETTINGS)}\n`);
  });

  it("tells the version", async () => {
    const { code, stdout } = await runToEnd(["--version"]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });
});

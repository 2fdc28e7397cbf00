import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { feature, type RunningSidecar, startSidecar } from "../../../src/public/testing.js";
import { onTestFinished } from "../../support/on-test-finished.js";
import { runToEnd } from "../service/service-process.js";

const json =
  (text: string): RequestListener =>
  (_, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end(text);

/** Who may listen where a sidecar is expected. */
const PEERS: Readonly<Record<string, () => Server>> = {
  "nobody's: it never answers": () => createServer(() => undefined),
  "one that ends each connection": () => createServer((socket) => socket.destroy()),
  "one of another protocol": () => createServer((socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n")),
  "a web server": () => createHttpServer((_, response) => response.end("<html>")),
  "one that sends a byte a second, for ever": () =>
    createHttpServer((_, response) => {
      const timer = setInterval(() => response.write(" "), 1_000);
      response.on("close", () => clearInterval(timer));
    }),
  "one that sends without an end": () =>
    createHttpServer((_, response) => {
      const part = Buffer.alloc(1 << 20, " ");
      const more = (): void => {
        while (response.write(part));
      };
      response.on("drain", more);
      more();
    }),
  "an API that says null": () => createHttpServer(json("null")),
  "an API of somebody else's": () => createHttpServer(json('{"hello":[1,2]}')),
};

async function listening(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const LINE = {
  timestamp: "2026-01-31T12:00:00.000Z",
  decision: "d1",
  customer: "acme",
  feature: "sso",
  granted: false,
  reason: "CustomerNotFound",
  fallback: false,
  source: "upstream",
};

let folder: string;
let log: string;
let sidecar: RunningSidecar;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "foreign-peers-"));
  log = join(folder, "decisions.jsonl");
  await writeFile(log, `${JSON.stringify(LINE)}\n`);
  sidecar = await startSidecar({ catalog: { features: [feature("sso")] } });
});
afterAll(async () => {
  await sidecar.stop();
  await rm(folder, { recursive: true });
});

/** One line that says what is wrong, and no place in the code. */
const inWords = (message: RegExp) => ({
  code: 2,
  signal: null,
  stdout: "",
  stderr: expect.stringMatching(new RegExp(`^(?!.*not foreseen)error: [^\\n]*${message.source}[^\\n]*\\n`)) as unknown,
});

describe.each(Object.entries(PEERS))("where %s listens", (_, peer) => {
  it.each<[command: string, args: (address: string) => readonly string[]]>([
    ["status", (address) => ["status", "--address", address, "--timeout", "2s"]],
    ["explain", (address) => ["explain", "acme", "sso", "--address", address, "--timeout", "2s"]],
    ["drill report", (address) => ["drill", "report", "--address", address, "--timeout", "2s"]],
    ["check", (address) => ["check", "acme", "sso", "--address", address, "--timeout", "2s"]],
    ["replay", (address) => ["replay", log, "--address", address]],
  ])("%s ends as an error, and says that no sidecar does", async (_command, args) => {
    const address = await listening(peer());
    expect(await runToEnd([...args(address)])).toEqual(inWords(/(?:sidecar|did not answer within)/));
  });
});

describe("where nobody listens", () => {
  it("a replay is an error, not a difference in every answer", async () => {
    expect(await runToEnd(["replay", log, "--address", "127.0.0.1:1"])).toEqual(inWords(/no sidecar answers at/));
  });
});

describe("shadow", () => {
  it("is not between a service and itself", async () => {
    const args = ["shadow", "--incumbent", `localhost:${sidecar.port}`, "--candidate", sidecar.address];
    expect(await runToEnd(args)).toEqual(inWords(/the same service/));
  });

  it("does not ask itself", async () => {
    const args = ["shadow", "--incumbent", "localhost:1234", "--candidate", sidecar.address, "--listen", "1234"];
    expect(await runToEnd(args)).toEqual(inWords(/one of the services that are asked/));
  });

  it("says at once which of the two does not answer", async () => {
    const args = [
      "shadow",
      "--incumbent",
      sidecar.address,
      "--candidate",
      "127.0.0.1:1",
      "--listen",
      "0",
      "--for",
      "3s",
    ];
    expect((await runToEnd(args)).stderr).toMatch(
      /^warning: --candidate: no sidecar answers at http:\/\/127.0.0.1:1 /m,
    );
  });
});

describe("a section of the status that there is not", () => {
  it("is an error that names those that there are", async () => {
    const args = ["status", "--address", `127.0.0.1:${sidecar.metricsPort}`, "--section", "cash"];
    expect(await runToEnd(args)).toEqual(inWords(/no section "cash"; there are .*cache/));
  });
});

describe("a decision log that cannot be read", () => {
  it("is told in words, whatever lies there", async () => {
    await mkdir(join(folder, "a-folder"));
    expect(await runToEnd(["decisions", "--file", join(folder, "a-folder")])).toEqual(
      inWords(/cannot be read: EISDIR/),
    );
  });

  it("is told in words where it may not be read", async () => {
    if (process.getuid?.() === 0) return;
    const closed = join(folder, "closed.jsonl");
    await writeFile(closed, "");
    await chmod(closed, 0);
    expect(await runToEnd(["decisions", "--file", closed])).toEqual(inWords(/cannot be read: EACCES/));
  });

  it.each<[what: string, line: string]>([
    ["is cut", JSON.stringify(LINE).slice(0, 90)],
    ["names no customer", JSON.stringify({ ...LINE, customer: undefined })],
    ["names neither feature nor currency", JSON.stringify({ ...LINE, feature: undefined })],
    ["has an age that is no number", JSON.stringify({ ...LINE, ageMs: "old" })],
    ["has a time that is none", JSON.stringify({ ...LINE, timestamp: "then" })],
  ])("leaves out a line that %s", async (_, line) => {
    const file = join(folder, "some.jsonl");
    await writeFile(file, `${line}\n${JSON.stringify(LINE)}\n`);
    const { code, stdout, stderr } = await runToEnd(["decisions", "--file", file]);
    expect({ code, lines: stdout.trim().split("\n").length, stderr }).toEqual({ code: 0, lines: 1, stderr: "" });
  });

  it("does not command the terminal of who reads it", async () => {
    const file = join(folder, "escapes.jsonl");
    await writeFile(file, `${JSON.stringify({ ...LINE, customer: "acme\u001b[2Jgone\u009b1m" })}\n`);
    const { stdout } = await runToEnd(["decisions", "--file", file]);
    expect(stdout).toContain("acme\\u001b[2Jgone\\u009b1m");
  });
});

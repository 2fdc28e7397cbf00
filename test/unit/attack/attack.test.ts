import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { Attack } from "../../attack/attack.js";
import { ATTACK_CLASSES } from "../../attack/classes/all-classes.js";
import { data, END_STREAM, headers, reset } from "../../attack/raw/frames.js";
import { CHECK_PATH, requestBlock, shortBlocks } from "../../attack/raw/requests.js";
import { markdownTable } from "../../attack/table.js";

const ATTACK_MS = 50;

let server: Http2Server | undefined;

afterEach(() => void server?.close());

async function attackOn(onStream: (stream: ServerHttp2Stream, path: string) => void): Promise<Attack> {
  server = createServer();
  server.on("sessionError", () => undefined);
  server.on("stream", (stream, { ":path": path }) => {
    stream.on("error", () => undefined);
    onStream(stream, String(path));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return new Attack({ http2Port: port, http1Port: port, tlsPort: port }, ATTACK_MS);
}

function answer(stream: ServerHttp2Stream): void {
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.resume().on("end", () => {
    stream.respond({ "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.end(Buffer.alloc(5));
  });
}

describe("an attack", () => {
  it("sees that the innocent call beside it is answered", async () => {
    const attack = await attackOn(answer);
    await attack.flood({ connections: 2, hasInnocent: true }, () => undefined);
    expect(await attack.end()).toMatchObject({ connections: 2, innocents: { opened: 2, answered: 2 }, violations: [] });
  });

  it("sees that the innocent call beside it is lost where the server resets it", async () => {
    const attack = await attackOn((stream) => stream.close(2));
    await attack.flood({ connections: 1, hasInnocent: true }, () => undefined);
    const { innocents } = await attack.end();
    expect(innocents.opened).toBeGreaterThan(0);
    expect(innocents.answered).toBe(0);
  });

  it("sees that the innocent call beside it is lost where it is answered without a message", async () => {
    const attack = await attackOn((stream) => stream.respond({ "grpc-status": "8" }, { endStream: true }));
    await attack.flood({ connections: 1, hasInnocent: true }, () => undefined);
    expect(await attack.end()).toMatchObject({ innocents: { opened: 1, answered: 0 } });
  });

  it("sends requests that a server of Node's reads as they are meant, spelled out and by the table", async () => {
    const paths: string[] = [];
    const attack = await attackOn((stream, path) => {
      paths.push(path);
      answer(stream);
    });
    const { first, later } = shortBlocks(CHECK_PATH);
    const connection = attack.open();
    await connection.connected();
    for (const block of [requestBlock("/spelled-out"), first, later, later]) {
      const stream = connection.takeStream();
      const answered = connection.answered(stream, 5_000);
      connection.socket.write(Buffer.concat([headers(stream, block), data(stream, Buffer.of(0), END_STREAM)]));
      expect(await answered).toBe(true);
    }
    expect(paths).toEqual(["/spelled-out", CHECK_PATH, CHECK_PATH, CHECK_PATH]);
    expect(connection.openCalls).toBe(0);
    await attack.end();
  });

  it("counts what it resets as over once the server says so", async () => {
    const attack = await attackOn((stream) => stream.close(7));
    const connection = attack.open();
    await connection.connected();
    const stream = connection.takeStream();
    const answered = connection.answered(stream, 5_000);
    connection.socket.write(headers(stream, requestBlock(CHECK_PATH)));
    expect(await answered).toBe(false);
    connection.socket.write(reset(stream));
    expect(connection.openCalls).toBe(0);
    await attack.end();
  });
});

describe("the table of classes", () => {
  it("has at least 40, each with a name and a title of its own", () => {
    expect(ATTACK_CLASSES.length).toBeGreaterThanOrEqual(40);
    expect(new Set(ATTACK_CLASSES.map(({ name }) => name)).size).toBe(ATTACK_CLASSES.length);
    expect(new Set(ATTACK_CLASSES.map(({ title }) => title)).size).toBe(ATTACK_CLASSES.length);
    for (const { name } of ATTACK_CLASSES) expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it("is printed with what was missed, and without a peer where none was tried", () => {
    const watch = { checks: 3, late: 1, failed: 0, longestMs: 1_200.4, failures: {}, lagMs: 0 };
    const service = {
      watch,
      report: undefined,
      failure: "no",
      ended: undefined,
      residentGrowth: 2_000_000,
      heapBefore: 10,
      heapAfter: 11,
      serverWaitedMs: 0,
    };
    const text = markdownTable([{ attackClass: ATTACK_CLASSES[0]!, service, peer: undefined }]);
    expect(text.split("\n")[2]).toBe(
      "| rapid-reset | Rapid Reset: a check's headers and RST_STREAM | 1 of 3 | 1200 ms | +2 MB | 1.10 × |  | **not attacked: no; 1 checks late** |  |  |  |  |  |",
    );
  });
});

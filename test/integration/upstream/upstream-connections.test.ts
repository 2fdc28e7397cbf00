import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { HttpJson } from "../../../src/adapters/upstream/client/http-json.js";
import { Cancellation } from "../../../src/ports/waits.js";
import { eventually } from "../../support/expectations.js";

const MAX_BYTES = 1_000;
const OK = answerOf("{}");

function answerOf(body: string, headers = ""): string {
  return `HTTP/1.1 200 OK\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`;
}

describe("a server, byte by byte", () => {
  let server: Server;
  let http: HttpJson;
  let accepted: Socket[];
  let open: Set<Socket>;
  let heads: string[];
  /** What becomes of each request: what is written, or what is done. */
  let react: (socket: Socket) => string | undefined;
  beforeEach(async () => {
    [accepted, open, heads] = [[], new Set(), []];
    react = () => OK;
    server = createServer((socket) => {
      accepted.push(socket);
      open.add(socket);
      socket.on("close", () => open.delete(socket)).on("error", () => undefined);
      socket.on("data", (bytes: Buffer) => {
        heads.push(bytes.toString());
        const text = react(socket);
        if (text !== undefined) socket.write(text);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    http = new HttpJson({ name: "Edge", baseUrl: urlOf(server, "user:p%20w@"), headers: {}, maxBodyBytes: MAX_BYTES });
  });
  afterEach(async () => {
    http.close();
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, "close");
  });
  const ask = (signal = new Cancellation()) => http.get("/state", signal);
  const post = () => http.post("/graphql", { a: "é" }, { "x-of-this": "1" }, new Cancellation());

  it("is sent the base path, the credentials of the address and the length of a body", async () => {
    await ask();
    await post();
    expect(heads[0]).toMatch(/^GET \/base\/state HTTP\/1\.1\r\n/);
    expect(heads[0]).toContain(`authorization: Basic ${Buffer.from("user:p w").toString("base64")}\r\n`);
    expect(heads[0]).toContain(`host: 127.0.0.1:${(server.address() as AddressInfo).port}\r\n`);
    expect(heads[1]).toMatch(/^POST \/base\/graphql HTTP\/1\.1\r\n/);
    expect(heads[1]).toContain("x-of-this: 1\r\n");
    expect(heads[1]).toContain("content-length: 10\r\n");
    expect(heads[1]).toMatch(/\r\n\r\n\{"a":"é"\}$/);
    expect(accepted).toHaveLength(1);
  });

  it("is sent each header as it is when it is asked: an API key may be replaced", async () => {
    let key = "old";
    const headers = {
      get "x-api-key"() {
        return key;
      },
    };
    const keyed = new HttpJson({ name: "Edge", baseUrl: urlOf(server, ""), headers, maxBodyBytes: MAX_BYTES });
    await keyed.get("/state", new Cancellation());
    key = "new";
    await keyed.get("/state", new Cancellation());
    keyed.close();
    expect(heads.map((head) => /^x-api-key: (.*)\r$/m.exec(head)?.[1])).toEqual(["old", "new"]);
  });

  it.each<[what: string, text: string, body: string]>([
    ["hints first", `HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${OK}`, "{}"],
    ["in pieces", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", "{}"],
    ["a status of its own", "HTTP/1.1 299 Own\r\ncontent-length: 2\r\n\r\n{}", "{}"],
    ["nothing", "HTTP/1.1 204 No Content\r\n\r\n", ""],
  ])("that answers with %s is read, and asked again on the same connection", async (_, text, body) => {
    react = () => text;
    expect((await ask()).text).toBe(body);
    expect((await ask()).text).toBe(body);
    expect(accepted).toHaveLength(1);
  });

  it.each([
    ["by a header", answerOf("{}", "connection: close\r\n")],
    ["by HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n{}"],
  ])("that ends the connection %s is asked the next time on another", async (_, text) => {
    react = (socket) => {
      socket.end(text);
      return undefined;
    };
    for (let i = 0; i < 3; i++) expect((await ask()).text).toBe("{}");
    expect(accepted).toHaveLength(3);
  });

  it.each(["end", "resetAndDestroy"] as const)(
    "that gives up idle connections (%s), as a restart does, fails no later request",
    async (giveUp) => {
      await Promise.all(Array.from({ length: 10 }, () => ask()));
      for (const socket of accepted) socket[giveUp]();
      await eventually(() => open.size).toBe(0);
      await Promise.all(Array.from({ length: 10 }, () => post()));
    },
  );

  it("that names a time for idle connections is not asked on one that is over by then", async () => {
    react = () => answerOf("{}", "keep-alive: timeout=1\r\n");
    await ask();
    await ask();
    expect(accepted).toHaveLength(2);
  });

  it("that is asked for much at once keeps 64 connections", async () => {
    const waiting: Socket[] = [];
    react = (socket) => {
      waiting.push(socket);
      if (waiting.length === 80) for (const each of waiting) each.write(OK);
      return undefined;
    };
    await Promise.all(Array.from({ length: 80 }, () => ask()));
    await eventually(() => open.size).toBe(64);
  });

  it.each<[what: string, text: string, code: string, message: RegExp]>([
    ["more than is read", answerOf("x".repeat(MAX_BYTES + 1)), "internal", /^Edge answered more than 1000 bytes$/],
    ["less than it says", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", "unavailable", /within the answer\)$/],
    [
      "half a piece",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{",
      "unavailable",
      /within the answer\)$/,
    ],
    ["what is not HTTP", "SSH-2.0-OpenSSH_9.6\r\n", "unavailable", /cannot be reached \(.*HTTP/],
    [
      "more headers than are read",
      `HTTP/1.1 200 OK\r\nx: ${"x".repeat(20_000)}\r\n\r\n`,
      "unavailable",
      /Headers Overflow/i,
    ],
    [
      "another protocol",
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
      "unavailable",
      /upgrade/,
    ],
    ["nothing at all", "", "unavailable", /cannot be reached \(other side closed\)$/],
  ])(
    "that answers with %s fails that request, and the connection is not used again",
    async (_, text, code, message) => {
      react = (socket) => {
        socket.end(text);
        return undefined;
      };
      await expect(ask()).rejects.toMatchObject({ code, message: expect.stringMatching(message) as unknown as string });
      react = () => OK;
      expect((await ask()).status).toBe(200);
      expect(accepted).toHaveLength(2);
    },
  );

  it("that has not answered when the call is given up, sees its connection end", async () => {
    react = () => undefined;
    const signal = new Cancellation();
    const asked = ask(signal);
    await eventually(() => heads.length).toBe(1);
    signal.abort();
    await expect(asked).rejects.toMatchObject({ code: "cancelled" });
    await eventually(() => open.size).toBe(0);
  });

  it("that has not even begun with TLS when the call is given up, sees its connection end", async () => {
    const secure = new HttpJson({
      name: "Edge",
      baseUrl: urlOf(server).replace("http:", "https:"),
      headers: {},
      maxBodyBytes: MAX_BYTES,
    });
    react = () => undefined;
    const signal = new Cancellation();
    const asked = secure.get("/state", signal);
    await eventually(() => heads.length).toBe(1);
    signal.abort();
    await expect(asked).rejects.toMatchObject({ code: "cancelled" });
    await eventually(() => open.size).toBe(0);
  });

  it("is let go of with all that is under way", async () => {
    await ask();
    react = () => undefined;
    const asked = [ask(), ask()];
    await eventually(() => heads.length).toBe(3);
    http.close();
    const unavailable = { status: "rejected", reason: { code: "unavailable" } };
    expect(await Promise.allSettled(asked)).toMatchObject([unavailable, unavailable]);
    await eventually(() => open.size).toBe(0);
  });
});

function urlOf(server: Server, credentials = ""): string {
  return `http://${credentials}127.0.0.1:${(server.address() as AddressInfo).port}/base/`;
}

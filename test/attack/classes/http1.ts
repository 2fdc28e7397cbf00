import type { Attack } from "../attack.js";
import type { AttackClass } from "../attack-class.js";
import { CHECK_PATH, http1Check, http1Head } from "../raw/requests.js";
import { exchanged, openSocket, writeAll } from "../raw/tcp.js";

const SLOW_CONNECTIONS = 500;
const SLOW_BYTE_MS = 10;

/** Requests of which every byte comes by itself, and which never come to their end. */
function slowly(begin: string, endless: string) {
  return (attack: Attack) =>
    attack.eachUntilOver(SLOW_CONNECTIONS, async () => {
      const socket = await openSocket(attack, attack.target.http1Port);
      if (socket === undefined) return;
      socket.resume().write(begin);
      for (let at = 0; !socket.destroyed && !attack.isOver; at++) {
        socket.write(endless[at % endless.length]!);
        await attack.pause(SLOW_BYTE_MS);
      }
      socket.resetAndDestroy();
    });
}

const LARGE_EVALUATION = `{"context":{"targetingKey":"customer-demo",${Array.from({ length: 20_000 }, (_, at) => `"h${at}":1`).join(",")}}}`;
const UNTIL_HELD_MS = 1_000;

/** Large requests of many connections of which all but the last byte is there, and then that of all of them at once. */
async function lastBytesAtOnce(attack: Attack): Promise<void> {
  const path = "/ofrep/v1/evaluate/flags/seats";
  const head = http1Head([`Content-Length: ${LARGE_EVALUATION.length}`], path).join("\r\n");
  await attack.eachUntilOver(1, async () => {
    const sockets = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const socket = await openSocket(attack, attack.target.http1Port);
        socket?.resume();
        if (socket !== undefined) await writeAll(socket, `${head}\r\n\r\n${LARGE_EVALUATION.slice(0, -1)}`);
        return socket;
      }),
    );
    await attack.pause(UNTIL_HELD_MS);
    for (const socket of sockets) socket?.write("}");
    await attack.pause(UNTIL_HELD_MS);
    for (const socket of sockets) socket?.resetAndDestroy();
  });
}

/** The same request over and over on each connection, without waiting for an answer. */
function pipelined(request: string, { aWrite = 50, isReading = true, connections = 8 } = {}) {
  const bytes = Buffer.from(request.repeat(aWrite), "latin1");
  return (attack: Attack) =>
    attack.eachUntilOver(connections, async () => {
      const socket = await openSocket(attack, attack.target.http1Port);
      if (socket === undefined) return;
      if (isReading) socket.resume();
      else socket.pause();
      while (!socket.destroyed && !attack.isOver) await writeAll(socket, bytes);
      socket.resetAndDestroy();
    });
}

const HIDDEN = http1Check();
const asChunks = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n0\r\n\r\n`;
const EMPTY_CHUNKS = "0\r\n\r\n";
const withHead = (lines: readonly string[], rest: string) => `${[...http1Head(lines), "", ""].join("\r\n")}${rest}`;

/**
 * Requests whose end two servers may see at different places, each with a second request behind or within the first.
 * What is right: at most one answer, and no 200 to more than one of both.
 */
const SMUGGLING: readonly (readonly [name: string, bytes: string])[] = [
  [
    "CL.TE",
    withHead(
      [`Content-Length: ${EMPTY_CHUNKS.length + HIDDEN.length}`, "Transfer-Encoding: chunked"],
      EMPTY_CHUNKS + HIDDEN,
    ),
  ],
  ["TE.CL", withHead(["Transfer-Encoding: chunked", "Content-Length: 5"], asChunks("{}") + HIDDEN)],
  ["TE.TE", withHead(["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], asChunks("{}") + HIDDEN)],
  ["TE with a tab", withHead(["Transfer-Encoding:\tchunked, identity", "Content-Length: 2"], `{}${HIDDEN}`)],
  ["TE unknown", withHead(["Transfer-Encoding: xchunked", "Content-Length: 2"], `{}${HIDDEN}`)],
  ["two lengths", withHead(["Content-Length: 2", `Content-Length: ${2 + HIDDEN.length}`], `{}${HIDDEN}`)],
  ["a list of lengths", withHead([`Content-Length: 2, ${2 + HIDDEN.length}`], `{}${HIDDEN}`)],
  ["a signed length", withHead(["Content-Length: +2"], `{}${HIDDEN}`)],
  ["a length in hex", withHead(["Content-Length: 0x2"], `{}${HIDDEN}`)],
  ["a blank before the colon", withHead(["Content-Length : 2"], `{}${HIDDEN}`)],
  ["a folded line", withHead(["X-Folded: a\r\n Content-Length: 2"], `{}${HIDDEN}`)],
  ["line ends without CR", withHead(["Content-Length: 2"], "{}").replaceAll("\r\n", "\n") + HIDDEN],
  ["CR alone", withHead(["X-A: b\rContent-Length: 2"], `{}${HIDDEN}`)],
  ["a chunk's size too large", withHead(["Transfer-Encoding: chunked"], `fffffffffffffffff\r\n{}${HIDDEN}`)],
  ["a chunk without its end", withHead(["Transfer-Encoding: chunked"], `2\r\n{}XX0\r\n\r\n${HIDDEN}`)],
  ["NUL in a header", withHead(["X-A: b\0c", "Content-Length: 2"], `{}${HIDDEN}`)],
];

function smuggling(attack: Attack): Promise<void> {
  return attack.eachUntilOver(8, async (index) => {
    const [name, bytes] = SMUGGLING[(index + Math.floor(Math.random() * SMUGGLING.length)) % SMUGGLING.length]!;
    const socket = await openSocket(attack, attack.target.http1Port);
    if (socket === undefined) return;
    const { text } = await exchanged(socket, bytes, 100);
    const answers = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    if (answers.length > 1 && answers.includes("200"))
      attack.violation(`${name}: the request behind it was answered, ${answers.join(", ")}`);
    socket.resetAndDestroy();
  });
}

/** A refused request on a connection that is kept: what follows has to be answered, or the connection closed. */
function refusedAndKept(attack: Attack): Promise<void> {
  const body = Buffer.alloc(5_000_000, 0x20);
  return attack.eachUntilOver(4, async () => {
    const socket = await openSocket(attack, attack.target.http1Port);
    if (socket === undefined) return;
    socket.resume();
    socket.write(http1Head([`Content-Length: ${body.length}`]).join("\r\n") + "\r\n\r\n");
    await writeAll(socket, body, 2_000);
    await writeAll(socket, http1Check());
    await attack.pause(20);
    socket.resetAndDestroy();
  });
}

const CHUNKED = withHead(["Transfer-Encoding: chunked"], "");
const CHUNK_OF_ONE = `1;${"x=y;".repeat(50)}\r\n \r\n`;

export const HTTP1: readonly AttackClass[] = [
  {
    name: "http1-slow-headers",
    title: "HTTP/1.1: headers byte by byte, 500 connections",
    run: slowly(`POST ${CHECK_PATH} HTTP/1.1\r\nHost: a\r\n`, "X-A: b\r\n"),
  },
  {
    name: "http1-slow-body",
    title: "HTTP/1.1: a body byte by byte, 500 connections",
    run: slowly([...http1Head(["Content-Length: 1000000"]), "", ""].join("\r\n"), " "),
  },
  { name: "http1-pipelining", title: "HTTP/1.1: pipelined checks", run: pipelined(http1Check()) },
  {
    name: "http1-pipelining-unread",
    title: "HTTP/1.1: pipelined checks whose answers are not read",
    run: pipelined(http1Check(), { isReading: false }),
  },
  { name: "http1-smuggling", title: "HTTP/1.1: request smuggling, 16 shapes", run: smuggling },
  {
    name: "http1-chunk-extensions",
    title: "HTTP/1.1: chunks of one byte with long extensions",
    run: pipelined(CHUNKED + CHUNK_OF_ONE.repeat(20) + EMPTY_CHUNKS),
  },
  {
    name: "http1-large-headers",
    title: "HTTP/1.1: headers of 64 kB",
    run: pipelined(withHead([`X-Large: ${"v".repeat(64_000)}`], ""), { aWrite: 1 }),
  },
  {
    name: "http1-many-headers",
    title: "HTTP/1.1: 4,000 headers",
    run: pipelined(
      withHead(
        Array.from({ length: 4_000 }, (_, index) => `a${index}: b`),
        "",
      ),
      { aWrite: 1 },
    ),
  },
  {
    name: "http1-expect",
    title: "HTTP/1.1: expect: 100-continue, pipelined",
    run: pipelined(http1Check(["Expect: 100-continue"])),
  },
  {
    name: "http1-upgrade",
    title: "HTTP/1.1: requests to upgrade",
    run: pipelined(http1Check(["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAAA"])),
  },
  {
    name: "http1-pipelining-tiny",
    title: "HTTP/1.1: 1,400 requests of 38 octets at once on each of 100 connections",
    run: pipelined("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", { aWrite: 1_400, connections: 100 }),
  },
  {
    name: "http1-last-bytes",
    title: "HTTP/1.1: the last bytes of 100 requests of 250 kB, all at once",
    run: lastBytesAtOnce,
  },
  { name: "http1-refused", title: "HTTP/1.1: 5 MB where 4 MiB are taken, connections kept", run: refusedAndKept },
];

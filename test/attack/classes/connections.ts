import { randomBytes } from "node:crypto";
import { connect as connectTls } from "node:tls";
import type { Attack } from "../attack.js";
import type { AttackClass } from "../attack-class.js";
import { data, END_STREAM, headers, PREFACE } from "../raw/frames.js";
import { CHECK, CHECK_PATH, requestBlock } from "../raw/requests.js";
import { openSocket, writeAll } from "../raw/tcp.js";

const OPENED_AT_ONCE = 200;

/** Connections that have sent what HTTP/2 begins with, or some of it, and then nothing. */
function idle(count: number, begin: "preface" | "half a preface") {
  return async (attack: Attack) => {
    for (let opened = 0; opened < count && !attack.isOver; opened += OPENED_AT_ONCE) {
      await Promise.all(
        Array.from({ length: Math.min(OPENED_AT_ONCE, count - opened) }, async () => {
          const connection = attack.open({ hasPreface: begin === "preface" });
          if (!(await connection.connected())) connection.abort();
          else if (begin === "half a preface") await connection.write(PREFACE.subarray(0, 12));
        }),
      );
    }
    await attack.pause(attack.remainingMs);
  };
}

function bareChurn(attack: Attack): Promise<void> {
  return attack.eachUntilOver(16, async () => {
    const socket = await openSocket(attack, attack.target.http2Port);
    socket?.resetAndDestroy();
  });
}

/** A connection for each check, gone before its answer. */
function churn(attack: Attack): Promise<void> {
  const bytes = Buffer.concat([headers(1, requestBlock(CHECK_PATH)), data(1, CHECK, END_STREAM)]);
  return attack.eachUntilOver(16, async (index) => {
    const connection = attack.open();
    if (!(await connection.connected())) return;
    await connection.write(bytes);
    if (index % 2 === 0) connection.abort();
    else connection.socket.destroy();
  });
}

/** Bytes of no protocol. */
function garbage(attack: Attack, port: number): Promise<void> {
  return attack.eachUntilOver(16, async (index) => {
    const socket = await openSocket(attack, port);
    if (socket === undefined) return;
    socket.resume();
    // A third of it begins as HTTP/2, a third as TLS does.
    const begin = [Buffer.alloc(0), PREFACE, Buffer.of(0x16, 3, 1, 0x40, 0)][index % 3]!;
    await writeAll(socket, Buffer.concat([begin, randomBytes(4_096)]));
    await attack.pause(5);
    socket.resetAndDestroy();
  });
}

/** Handshakes that end behind the client's first bytes, before or while the server does its part of the work. */
function cutHandshakes(attack: Attack): Promise<void> {
  return attack.eachUntilOver(16, async () => {
    const socket = await openSocket(attack, attack.target.tlsPort);
    if (socket === undefined) return;
    const tls = connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: ["h2"] });
    tls.on("error", () => undefined);
    await attack.pause(Math.random() * 5);
    socket.resetAndDestroy();
    tls.destroy();
  });
}

function handshakes(attack: Attack): Promise<void> {
  return attack.eachUntilOver(16, async () => {
    const socket = await openSocket(attack, attack.target.tlsPort);
    if (socket === undefined) return;
    const tls = connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: ["h2"] });
    tls.on("error", () => undefined);
    await Promise.race([
      new Promise((done) => tls.once("secureConnect", done).once("close", done)),
      attack.pause(1_000),
    ]);
    tls.destroy();
    socket.resetAndDestroy();
  });
}

/** Handshakes of which nothing comes. */
async function heldHandshakes(attack: Attack): Promise<void> {
  await Promise.all(
    Array.from({ length: 500 }, async () => {
      const socket = await openSocket(attack, attack.target.tlsPort);
      socket?.write(Buffer.of(0x16, 3, 1));
    }),
  );
  await attack.pause(attack.remainingMs);
}

export const CONNECTIONS: readonly AttackClass[] = [
  { name: "idle-1000", title: "1,000 idle connections", run: idle(1_000, "preface") },
  // The service takes 10,000 by default: one more would be refused, which is another thing.
  {
    name: "idle-10000",
    title: "9,900 idle connections, 100 below the limit",
    leastMs: 8_000,
    run: idle(9_900, "preface"),
  },
  { name: "idle-preface", title: "1,000 connections with half a preface", run: idle(1_000, "half a preface") },
  { name: "churn", title: "A connection for each check, gone before its answer", run: churn },
  { name: "churn-bare", title: "Connections that end at once", run: bareChurn },
  {
    name: "garbage",
    title: "Random bytes to the cleartext port",
    run: (attack) => garbage(attack, attack.target.http2Port),
  },
  {
    name: "tls-garbage",
    title: "Random bytes to the TLS port",
    run: (attack) => garbage(attack, attack.target.tlsPort),
  },
  { name: "tls-cut", title: "TLS handshakes cut off", run: cutHandshakes },
  { name: "tls-handshakes", title: "TLS handshakes, and nothing behind them", run: handshakes },
  { name: "tls-held", title: "500 TLS handshakes that do not go on", run: heldHandshakes },
];

import { connect, type Socket } from "node:net";
import type { Attack } from "../attack.js";

const PATIENCE_MS = 3_000;

/** A connection of bytes, aborted when the attack ends. Settles once it is connected; undefined where it is refused. */
export async function openSocket(attack: Attack, port: number): Promise<Socket | undefined> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  attack.adopt(socket);
  socket.on("error", () => undefined);
  const isConnected = await new Promise<boolean>((done) => {
    const timer = setTimeout(() => done(false), PATIENCE_MS);
    const settle = (value: boolean) => {
      clearTimeout(timer);
      done(value);
    };
    socket.once("connect", () => settle(true)).once("close", () => settle(false));
  });
  if (isConnected) return socket;
  socket.resetAndDestroy();
  return undefined;
}

/** Sends bytes, reads for so long, or until the server closes. @returns what came, as Latin-1, and whether it was closed */
export async function exchanged(
  socket: Socket,
  bytes: Uint8Array | string,
  ms: number,
): Promise<{ readonly text: string; readonly isClosed: boolean }> {
  let text = "";
  const onData = (chunk: Buffer) => (text += chunk.toString("latin1"));
  socket.on("data", onData);
  socket.write(bytes);
  const isClosed = await new Promise<boolean>((done) => {
    const timer = setTimeout(() => done(false), ms);
    socket.once("close", () => {
      clearTimeout(timer);
      done(true);
    });
  });
  socket.off("data", onData);
  return { text, isClosed };
}

/** Writes, and waits until more may be written, the socket is gone or a while has passed. */
export async function writeAll(socket: Socket, bytes: Uint8Array | string, patienceMs = 200): Promise<void> {
  if (socket.destroyed) return;
  if (socket.write(bytes)) {
    await new Promise((done) => setImmediate(done));
    return;
  }
  await new Promise<void>((done) => {
    const finish = () => {
      clearTimeout(timer);
      socket.off("drain", finish);
      socket.off("close", finish);
      done();
    };
    const timer = setTimeout(finish, patienceMs);
    socket.once("drain", finish).once("close", finish);
  });
}

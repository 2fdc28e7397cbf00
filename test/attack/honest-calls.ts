import { gzipSync } from "node:zlib";
import type { Attack } from "./attack.js";
import { data, END_STREAM, headers } from "./raw/frames.js";
import {
  CHECK,
  CHECK_PATH,
  EMPTY_MESSAGE,
  grpcMessage,
  HEALTH_CHECK_PATH,
  http1Check,
  REFLECTION_PATH,
  REPORT_BULK_PATH,
  requestBlock,
  STATE_PATH,
  STATE_REQUEST,
} from "./raw/requests.js";
import { exchanged, openSocket } from "./raw/tcp.js";

const TIMES = 50;
const PATIENCE_MS = 200;

/** Calls of every kind, so that what a server loads and compiles with the first of them is not taken for what an attack leaves. */
export async function honestCalls(attack: Attack): Promise<void> {
  const connection = attack.open();
  await connection.connected();
  const calls: readonly (readonly [block: Buffer, body: Buffer])[] = [
    [requestBlock(CHECK_PATH), CHECK],
    [requestBlock(STATE_PATH), STATE_REQUEST],
    [requestBlock(HEALTH_CHECK_PATH), EMPTY_MESSAGE],
    [requestBlock(REFLECTION_PATH), grpcMessage(Buffer.of(0x3a, 0))],
    [requestBlock(REPORT_BULK_PATH), EMPTY_MESSAGE],
    [requestBlock(CHECK_PATH, { more: [["grpc-encoding", "gzip"]] }), grpcMessage(gzipSync(CHECK.subarray(5)), true)],
    [requestBlock(CHECK_PATH, { more: [["grpc-timeout", "1S"]] }), CHECK],
    [requestBlock(CHECK_PATH, { type: "application/grpc-web+proto" }), CHECK],
    [requestBlock(CHECK_PATH, { type: "application/proto" }), CHECK.subarray(5)],
    [requestBlock("/nowhere"), EMPTY_MESSAGE],
  ];
  for (let time = 0; time < TIMES; time++) {
    const last = calls
      .map(([block, body]) => {
        const stream = connection.takeStream();
        connection.socket.write(Buffer.concat([headers(stream, block), data(stream, body, END_STREAM)]));
        return stream;
      })
      .at(-1)!;
    await connection.answered(last, PATIENCE_MS);
  }
  for (const body of [undefined, "{", "{}"]) {
    const socket = await openSocket(attack, attack.target.http1Port);
    if (socket !== undefined) await exchanged(socket, http1Check([], body).repeat(TIMES), PATIENCE_MS);
  }
}

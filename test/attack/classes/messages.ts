import { gzipSync } from "node:zlib";
import type { Attack } from "../attack.js";
import type { AttackClass } from "../attack-class.js";
import type { RawConnection } from "../raw/connection.js";
import { END_STREAM, headers, MAX_FRAME_BYTES, repeated } from "../raw/frames.js";
import {
  CHECK_PATH,
  field,
  grpcMessage,
  http1Head,
  REPORT_BULK_PATH,
  REPORT_EVENTS_PATH,
  requestBlock,
} from "../raw/requests.js";
import { openSocket, writeAll } from "../raw/tcp.js";

const NEARLY_4_MIB = 4_000_000;
const ITEMS = 50_000;
const BOMB_BYTES = 64 * 1024 * 1024;
const ANSWER_PATIENCE_MS = 5_000;
const MAX_OPEN_CALLS = 500;

interface Post {
  readonly path?: string;
  readonly headers?: readonly string[];
  readonly body: () => Uint8Array;
}

/** One request after the other over HTTP/1.1, each answered before the next. */
function posted({ path = CHECK_PATH, headers: more = [], body }: Post, connections = 2) {
  return (attack: Attack) => {
    const bytes = body();
    attack.prepared();
    const head = [...http1Head([`Content-Length: ${bytes.length}`, ...more], path), "", ""].join("\r\n");
    return attack.eachUntilOver(connections, async () => {
      const socket = await openSocket(attack, attack.target.http1Port);
      if (socket === undefined) return;
      const answered = new Promise<void>((done) => socket.once("data", () => done()).once("close", () => done()));
      socket.write(head);
      await writeAll(socket, bytes, 2_000);
      await Promise.race([answered, attack.pause(ANSWER_PATIENCE_MS)]);
      socket.resetAndDestroy();
    });
  };
}

/** One large message after the other over HTTP/2, as fast as the windows take it. */
function called(
  {
    path = CHECK_PATH,
    type,
    more = [],
    body,
  }: {
    readonly path?: string;
    readonly type?: string;
    readonly more?: readonly (readonly [string, string])[];
    readonly body: () => Uint8Array;
  },
  connections = 2,
) {
  return (attack: Attack) => {
    const bytes = body();
    attack.prepared();
    const block = requestBlock(path, { ...(type === undefined ? {} : { type }), more });
    return attack.eachUntilOver(connections, async () => {
      const connection = attack.open();
      if (!(await connection.connected())) return;
      while (connection.isOpen && connection.goAway === undefined && !attack.isOver)
        await callOnce(attack, connection, block, bytes);
      connection.abort();
    });
  };
}

async function callOnce(attack: Attack, connection: RawConnection, block: Buffer, bytes: Uint8Array): Promise<void> {
  const stream = connection.takeStream();
  const answered = connection.answered(stream, ANSWER_PATIENCE_MS);
  const refusal = { hasCome: false };
  void answered.then(() => (refusal.hasCome = true));
  connection.socket.write(headers(stream, block));
  // With a yield for each slice: a refusal that comes early ends it.
  for (let at = 0; at < bytes.length && connection.isOpen && !refusal.hasCome && !attack.isOver;) {
    const room = Math.min(MAX_FRAME_BYTES, bytes.length - at, connection.room(stream));
    if (room <= 0) {
      await attack.pause(1);
      continue;
    }
    const slice = bytes.subarray(at, at + room);
    at += room;
    await connection.write(connection.data(stream, slice, at === bytes.length ? END_STREAM : 0));
  }
  await Promise.race([answered, attack.pause(ANSWER_PATIENCE_MS)]);
}

/** Many small messages that cannot be read, or that name what there is not. */
function small(
  make: (index: number) => Buffer,
  { more = [], aWrite = 20 }: { readonly more?: readonly (readonly [string, string])[]; readonly aWrite?: number } = {},
) {
  const block = requestBlock(CHECK_PATH, { more });
  const bytesAWrite = aWrite * make(0).length * 1.1;
  return (attack: Attack) => {
    let index = 0;
    return attack.flood({ connections: 8, hasInnocent: true }, (connection) => {
      if (connection.openCalls > MAX_OPEN_CALLS || connection.window < bytesAWrite) return undefined;
      return repeated(aWrite, () => {
        const stream = connection.takeStream();
        return Buffer.concat([headers(stream, block), connection.data(stream, make(index++), END_STREAM)]);
      });
    });
  };
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const usage = { customerId: "customer-demo", featureId: "seats", value: 0 };
const event = (index: number) => ({ customerId: "customer-demo", eventName: "nothing", idempotencyKey: String(index) });
const bomb = () => gzipSync(Buffer.alloc(BOMB_BYTES));
const grpcBomb = () => grpcMessage(bomb(), true);
/** Within the bound, and a thousand times as large once it is inflated: as many at once as may be. */
const LARGE_GZIP = grpcMessage(gzipSync(Buffer.alloc(NEARLY_4_MIB)), true);
const manyUsages = () => json({ usages: Array.from({ length: ITEMS }, () => usage) });
const manyEvents = () => json({ events: Array.from({ length: ITEMS }, (_, index) => event(index)) });
const USAGE_MESSAGE = Buffer.concat([field(1, "customer-demo"), field(3, "seats")]);
/** Field 15 as the beginning of a group, each within the one before. */
const NESTED_GROUPS = (bytes: number) => Buffer.alloc(bytes, 0x7b);
const CHECK_MESSAGE = Buffer.concat([field(1, "customer-demo"), field(2, "seats")]);
/** Field 14, a varint of one byte. */
const UNKNOWN_FIELD = Buffer.of(0x70, 1);
/** Options within a check whose fallback names a great many values. */
const manyValues = () =>
  grpcMessage(
    Buffer.concat([
      field(1, "customer-demo"),
      field(2, "seats"),
      field(
        4,
        field(
          3,
          repeated(400_000, () => field(3, "v")),
        ),
      ),
    ]),
  );

export const MESSAGES: readonly AttackClass[] = [
  { name: "json-brackets", title: "JSON: 4 MB of [", run: posted({ body: () => Buffer.alloc(NEARLY_4_MIB, "[") }) },
  {
    name: "json-nested",
    title: 'JSON: 4 MB of {"a":',
    run: posted({ body: () => Buffer.alloc(NEARLY_4_MIB, '{"a":') }),
  },
  {
    name: "json-keys",
    title: "JSON: an object of 300,000 keys",
    run: posted({
      body: () => json(Object.fromEntries(Array.from({ length: 300_000 }, (_, index) => [`k${index}`, 0]))),
    }),
  },
  {
    name: "json-strings",
    title: "JSON: ids of 4 MB",
    run: posted({ body: () => json({ customerId: "c".repeat(NEARLY_4_MIB), featureId: "seats" }) }),
  },
  {
    name: "bulk-usages-json",
    title: "ReportUsageBulk of 50,000 in JSON",
    run: posted({ path: REPORT_BULK_PATH, body: manyUsages }),
  },
  {
    name: "bulk-usages",
    title: "ReportUsageBulk of 100,000 in gRPC",
    run: called({ path: REPORT_BULK_PATH, body: () => grpcMessage(repeated(100_000, () => field(1, USAGE_MESSAGE))) }),
  },
  {
    name: "bulk-events-json",
    title: "ReportEvents of 50,000 in JSON",
    run: posted({ path: REPORT_EVENTS_PATH, body: manyEvents }),
  },
  {
    name: "gzip-bomb-grpc",
    title: "A gzip bomb of 64 MiB in gRPC",
    run: called({ more: [["grpc-encoding", "gzip"]], body: grpcBomb }, 8),
  },
  {
    name: "gzip-bomb-grpc-web",
    title: "A gzip bomb of 64 MiB in gRPC-web",
    run: called({ type: "application/grpc-web+proto", more: [["grpc-encoding", "gzip"]], body: grpcBomb }, 8),
  },
  {
    name: "gzip-bomb-connect",
    title: "A gzip bomb of 64 MiB in Connect",
    run: posted({ headers: ["Content-Encoding: gzip"], body: bomb }, 8),
  },
  {
    name: "gzip-large",
    title: "Gzipped messages of 4 kB that are 4 MB, many at once",
    run: small(() => LARGE_GZIP, { more: [["grpc-encoding", "gzip"]], aWrite: 10 }),
  },
  {
    name: "protobuf-groups",
    title: "Protobuf: 4 MB of groups within groups",
    run: called({ body: () => grpcMessage(NESTED_GROUPS(NEARLY_4_MIB)) }),
  },
  {
    name: "protobuf-groups-small",
    title: "Protobuf: 1 kB of groups within groups",
    run: small(() => grpcMessage(NESTED_GROUPS(1_000))),
  },
  { name: "protobuf-values", title: "Protobuf: a list of 400,000 strings", run: called({ body: manyValues }) },
  {
    name: "protobuf-unknown",
    title: "Protobuf: 4 MB of fields that the contract does not have",
    run: called({ body: () => grpcMessage(Buffer.concat([CHECK_MESSAGE, Buffer.alloc(NEARLY_4_MIB, UNKNOWN_FIELD)])) }),
  },
  {
    name: "unknown-customers",
    title: "Checks of customers that there are not, each another",
    run: small((index) =>
      grpcMessage(Buffer.concat([field(1, `customer-${index}-${"x".repeat(200)}`), field(2, "seats")])),
    ),
  },
  {
    name: "unknown-customers-long",
    title: "Checks of customers that there are not, ids of 10 kB",
    run: small((index) => grpcMessage(Buffer.concat([field(1, `${index}-${"x".repeat(10_000)}`), field(2, "seats")])), {
      aWrite: 2,
    }),
  },
  {
    name: "bad-gzip",
    title: "Messages that are not what their gzip says",
    run: small(() => grpcMessage(Buffer.alloc(100, 0x1f), true), { more: [["grpc-encoding", "gzip"]] }),
  },
];

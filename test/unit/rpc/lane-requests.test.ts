import { expect, it } from "vitest";
import { HeaderList } from "../../../src/adapters/rpc/http2/hpack/header-list.js";
import { LaneRequests } from "../../../src/adapters/rpc/http2/lane-requests.js";
import { LaneStream } from "../../../src/adapters/rpc/http2/streams.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";

const BODY = Buffer.alloc(5);

/** What is read at once, of streams 1, 2 and 3: begun (1), whole (1!), or ended by somebody (1x). What follows a bar is read later. */
it.each([
  { read: "1 1! 2 2! 3 3!", late: [] },
  { read: "1", late: [1] },
  { read: "1 2 3", late: [1, 2, 3] },
  { read: "1 2 2!", late: [1] },
  { read: "1 2 1!", late: [2] },
  { read: "1 1! 2", late: [2] },
  { read: "1 2 3 3! 1!", late: [2] },
  { read: "1 2 3 3! 2! 1!", late: [] },
  { read: "1 | 2 2!", late: [1] },
  { read: "1 | 1! 2", late: [1, 2] },
  { read: "1 2 2! | 3 3! 1!", late: [1] },
  { read: "1 2 2x", late: [1] },
  { read: "1 1x 2 2!", late: [] },
])("of $read, those that were not whole when all was read may not take for ever: $late", ({ read, late }) => {
  const limited: number[] = [];
  const streams = new Map<number, LaneStream>();
  const requests = new LaneRequests({
    logger: new RecordingLogger(),
    isOpen: (stream) => streams.get(stream.id) === stream,
    passOn: () => undefined,
    reset: () => undefined,
  });

  for (const part of read.split(" | ")) {
    for (const step of part.split(" ")) {
      const id = Number.parseInt(step, 10);
      const stream = streams.get(id);
      if (step.endsWith("x")) streams.delete(id);
      else if (stream === undefined) begin(id);
      else requests.data(stream, BODY, 0, BODY.length, true);
    }
    requests.limitArrivals();
  }

  expect(limited.sort()).toEqual(late);

  function begin(id: number): void {
    const stream = new LaneStream(id, new HeaderList([], false), 0, { answer: () => undefined });
    streams.set(id, stream);
    const call = { answer: () => true, limitArrival: () => void limited.push(id), abandon: () => undefined };
    requests.begin(stream, { begin: () => call });
  }
});

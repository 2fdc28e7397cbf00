import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { SqsChangeQueue } from "../../../src/adapters/queue/sqs-change-queue.js";
import type { QueuedMessage } from "../../../src/ports/change-sources.js";
import { AWS_ENVIRONMENT, type QueueServer, startQueueServer } from "../../builders/queue-server.js";
import { ManualClock } from "../../fakes/manual-clock.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";
import { eventually } from "../../support/expectations.js";

const VISIBILITY_SECONDS = 40;
const HOUR_MS = 3_600_000;
const CHANGE = {
  id: "1",
  type: "customer.invalidated",
  timestamp: "2026-03-01T09:30:00Z",
  data: { customerId: "acme" },
};

const REFUSED = {
  Successful: [],
  Failed: ["first", "second"].map((which, index) => ({
    Id: String(index),
    Code: "ReceiptHandleIsInvalid",
    Message: `the ${which} handle has expired`,
    SenderFault: true,
  })),
};

let queues: QueueServer;
let clock: ManualClock;
let logger: RecordingLogger;
let queue: SqsChangeQueue;
/** The names of the calls that came to the queue's server, and what it answers instead of its own to some. */
let calls: string[];
let instead: Map<string, object | Promise<object>>;
let messages: readonly QueuedMessage[];
let end: () => Promise<void>;

beforeEach(async () => {
  queues = await startQueueServer();
  calls = [];
  instead = new Map();
  const between = createServer((request, response) => {
    const target = String(request.headers["x-amz-target"]).replace("AmazonSQS.", "");
    calls.push(target);
    const answer = instead.get(target);
    if (answer !== undefined) {
      void Promise.resolve(answer).then((json) => response.end(JSON.stringify(json)));
      request.resume();
      return;
    }
    const { method, url, headers } = request;
    const sent = forward(new URL(url ?? "/", queues.endpoint), { method, headers }, (got) => {
      response.writeHead(got.statusCode ?? 500, got.headers);
      got.pipe(response);
    });
    request.pipe(sent);
  });
  await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
  Object.assign(process.env, AWS_ENVIRONMENT, {
    AWS_ENDPOINT_URL_SQS: `http://127.0.0.1:${(between.address() as AddressInfo).port}`,
  });
  const tested = queues.createQueue({ visibilitySeconds: VISIBILITY_SECONDS });
  clock = new ManualClock();
  logger = new RecordingLogger();
  const options = { region: "us-east-1", queueUrl: tested.url, pollSeconds: 1, hasOwnEndpoint: true, batchSize: 10 };
  queue = new SqsChangeQueue(options, () => undefined, clock, logger);
  await queue.open(new AbortController().signal);
  await tested.send(JSON.stringify(CHANGE), JSON.stringify(CHANGE));
  messages = await queue.receive(new AbortController().signal);
  end = async () => {
    await queue.close();
    between.close();
    between.closeAllConnections();
    await queues.stop();
  };
});

afterEach(() => end());

const kept = () => calls.filter((name) => name === "ChangeMessageVisibilityBatch").length;

it.each([
  ["back", -HOUR_MS],
  ["forth", HOUR_MS],
])("a message in hand is kept from others, also while the clock is set %s", async (_, byMs) => {
  clock.set(clock.now() + byMs);
  for (let quarter = 1; quarter <= 4; quarter++) {
    clock.advance((VISIBILITY_SECONDS * 1_000) / 4);
    await eventually(kept).toBe(quarter);
  }
});

it("a message that the queue does not keep from others is told of", async () => {
  instead.set("ChangeMessageVisibilityBatch", REFUSED);
  clock.advance((VISIBILITY_SECONDS * 1_000) / 4);
  await logger.until("messages in hand could not be kept from others, and may be handled twice");
});

it("one that was removed meanwhile is not", async () => {
  let answer: () => void = () => undefined;
  instead.set("ChangeMessageVisibilityBatch", new Promise<object>((resolve) => (answer = () => resolve(REFUSED))));
  clock.advance((VISIBILITY_SECONDS * 1_000) / 4);
  await eventually(kept).toBe(1);
  await queue.remove(messages.slice(0, 1));
  answer();
  await logger.until("messages in hand could not be kept from others, and may be handled twice");
  expect(logger.lines.map(({ fields }) => fields)).toEqual([{ fault: "the second handle has expired" }]);
});

const INTERRUPTED = {
  Successful: [],
  Failed: [{ Id: "0", Code: "InternalError", Message: "try again", SenderFault: false }],
};

it("one that could not be kept is tried again at once, alone, and its recovery is told", async () => {
  instead.set("ChangeMessageVisibilityBatch", INTERRUPTED);
  clock.advance((VISIBILITY_SECONDS * 1_000) / 4);
  await logger.until("messages in hand could not be kept from others, and may be handled twice");
  instead.clear();
  clock.advance(500);
  await logger.until("messages in hand are kept from others again");
  expect(kept()).toBe(2);
  expect(logger.lines.map(({ fields }) => fields)).toEqual([{ fault: "try again" }, undefined]);
});

it("those whose call came to nothing are tried again, less and less often, until they are not in hand any more", async () => {
  instead.set("ChangeMessageVisibilityBatch", INTERRUPTED);
  clock.advance((VISIBILITY_SECONDS * 1_000) / 4);
  await logger.until("messages in hand could not be kept from others, and may be handled twice");
  for (const [index, waitMs] of [500, 1_000, 2_000].entries()) {
    await eventually(() => clock.pendingTimers).toBe(2);
    clock.advance(waitMs);
    await eventually(kept).toBe(2 + index);
  }
  await eventually(() => clock.pendingTimers).toBe(2);
  await queue.remove(messages);
  clock.advance(4_000);
  expect({ calls: kept(), timers: clock.pendingTimers }).toEqual({ calls: 4, timers: 1 });
});

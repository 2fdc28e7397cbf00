import { expect, it } from "@jest/globals";
import { ProcessChanges } from "../../../../src/application/consume/process-changes.js";
import type { Change } from "../../../../src/domain/change.js";
import type { QueuedMessage } from "../../../../src/ports/change-queue.js";
import { metered, stateWith } from "../../../builders/states.js";
import { consumption } from "./consumption.js";

const FAR = Date.UTC(9000, 0, 1);
const subject = { customerId: "acme" };

function processing() {
  const { cache, gate, writer, refetch, clock, logger, telemetry } = consumption();
  const queue = { remove: () => Promise.resolve(), release: () => Promise.resolve(), abandon: () => undefined };
  const changes = new ProcessChanges(
    { queue: queue as never, writer, refetch, sweep: {} as never, gate, clock, telemetry, logger },
    { onlyIfCached: false, maxWaitingForUpstream: 10, holdMs: 1_000, firstDelayMs: 1, longestDelayMs: 1 },
  );
  return { cache, clock, changes };
}

it.each<[change: Change, written: object]>([
  [
    { type: "entitlements-updated", subject, state: stateWith([metered()], { updatedAt: FAR }) },
    { state: { updatedAt: undefined } },
  ],
  [
    {
      type: "usage-updated",
      subject,
      entitlement: { type: "feature", id: "seats" },
      usage: { currentUsage: 1, updatedAt: FAR },
    },
    { usage: { currentUsage: 1, updatedAt: undefined } },
  ],
])(
  "a message from a time yet to come is written as of now: nothing would ever replace it %#",
  async (change, written) => {
    const { cache, clock, changes } = processing();
    const message: QueuedMessage = { id: "1", content: { change, at: FAR }, trace: undefined };
    await changes.carryOut([message]).settled;
    expect(cache.trips.flat()).toMatchObject([{ at: clock.now(), change: { type: change.type, ...written } }]);
  },
);

it("a message from a little later than now keeps its time: clocks differ", async () => {
  const { cache, clock, changes } = processing();
  const at = clock.now() + 60_000;
  const change: Change = { type: "entitlements-updated", subject, state: stateWith([metered()], { updatedAt: at }) };
  await changes.carryOut([{ id: "1", content: { change, at }, trace: undefined }]).settled;
  expect(cache.trips.flat()).toMatchObject([{ at, change: { state: { updatedAt: at } } }]);
});

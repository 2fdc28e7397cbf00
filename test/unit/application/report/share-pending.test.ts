import { afterEach, describe, expect, it } from "@jest/globals";
import { SharePending } from "../../../../src/application/report/share-pending.js";
import { CodedError } from "../../../../src/domain/errors.js";
import { OutboxState } from "../../../../src/domain/outbox/outbox-state.js";
import type { PendingAmount, PendingAmounts } from "../../../../src/domain/outbox/pending-amounts.js";
import type { Subject } from "../../../../src/domain/subject.js";
import type { SharedPending } from "../../../../src/ports/shared-cache.js";
import { usageReport } from "../../../builders/reports.js";
import { promisesSettled } from "../../../fakes/event-loop.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

/** What is published, as it stands. */
class Board implements SharedPending {
  readonly lastsMs = 300_000;
  readonly othersSize = 0;
  readonly published = new Map<string, PendingAmounts>();
  writes = 0;
  isDown = false;
  onForgotten: (subject: Subject) => void = () => undefined;
  onMaybeLost: () => void = () => undefined;

  ofOthers(): undefined {
    return undefined;
  }

  write(pending: readonly { readonly subject: Subject; readonly amounts: PendingAmounts }[]): Promise<void> {
    if (this.isDown) return Promise.reject(new CodedError("unavailable", "away"));
    for (const { subject, amounts } of pending) {
      this.writes++;
      if (amounts.size === 0) this.published.delete(subject.customerId);
      else this.published.set(subject.customerId, amounts);
    }
    return Promise.resolve();
  }

  start(onForgotten: (subject: Subject) => void, onMaybeLost: () => void): void {
    this.onForgotten = onForgotten;
    this.onMaybeLost = onMaybeLost;
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

const sharing: SharePending[] = [];
afterEach(async () => {
  for (const each of sharing.splice(0)) await each.stop();
});

function share() {
  const clock = new ManualClock();
  const state = new OutboxState();
  const board = new Board();
  const logger = new RecordingLogger();
  const shared = new SharePending(state, board, clock, logger);
  sharing.push(shared);
  const accept = (
    customerId: string,
    value: number,
    more: { updateBehavior?: "SET" | "DELTA"; group?: number } = {},
  ) => {
    const { group = Infinity, updateBehavior = "DELTA" } = more;
    const report = { ...usageReport({ subject: { customerId }, value, updateBehavior }), timestamp: clock.now() };
    const item = state.reserve(report, group, clock.now());
    state.apply({ type: "usage-accepted", at: clock.now(), items: [item] });
    return item.entryId;
  };
  const deliver = (id: number) => state.apply({ type: "delivered", ids: [id], count: 1, at: clock.now() });
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 50) {
      clock.advance(50);
      await promisesSettled();
    }
  };
  const published = (customerId: string): readonly PendingAmount[] | undefined =>
    [...(board.published.get(customerId)?.values() ?? [])][0];
  return { shared, clock, state, board, logger, accept, deliver, pass, published };
}

describe("what waits in an outbox", () => {
  it("is published once it waits for a while, and taken back once it is delivered", async () => {
    const { shared, accept, deliver, pass, published, board } = share();
    shared.start();
    const first = accept("a", 2);
    accept("a", 3);
    await pass(200);
    expect(board.writes).toBe(0);
    await pass(200);
    expect(published("a")).toEqual([{ behavior: "DELTA", value: 5, group: Infinity }]);
    deliver(first);
    await pass(100);
    expect(published("a")).toBeUndefined();
  });

  it("is not published where it is delivered at once", async () => {
    const { shared, accept, deliver, pass, board } = share();
    shared.start();
    for (let i = 0; i < 20; i++) {
      const id = accept("a", 1);
      await pass(100);
      deliver(id);
    }
    await pass(1_000);
    expect(board.writes).toBe(0);
  });

  it("is published in as few steps as say the same", async () => {
    const { shared, accept, pass, published } = share();
    shared.start();
    accept("a", 0.1, { group: -10 });
    accept("a", 0.2, { group: -11 });
    accept("a", 4, { updateBehavior: "SET", group: -11 });
    accept("a", 1, { group: 5_000 });
    accept("a", -1, { group: 5_000 });
    await pass(500);
    expect(published("a")).toEqual([
      { behavior: "DELTA", value: 0.3, group: -1 },
      { behavior: "SET", value: 4, group: -1 },
      { behavior: "DELTA", value: 1, group: 5_000 },
      { behavior: "DELTA", value: -1, group: 5_000 },
    ]);
  });

  it("is published again before it is forgotten", async () => {
    const { shared, accept, pass, board } = share();
    shared.start();
    accept("a", 1);
    await pass(1_000);
    const before = board.writes;
    await pass(board.lastsMs / 2);
    expect(board.writes).toBe(before + 1);
  });

  it("is published again at once where it may be lost", async () => {
    const { shared, accept, pass, published, board } = share();
    shared.start();
    for (let i = 0; i < 700; i++) accept(`customer-${i}`, 1);
    await pass(1_000);
    expect(board.published.size).toBe(700);
    board.published.clear();
    board.onMaybeLost();
    await pass(400);
    expect(board.published.size).toBe(700);
    expect(published("customer-699")).toEqual([{ behavior: "DELTA", value: 1, group: Infinity }]);
    const before = board.writes;
    await pass(1_000);
    expect(board.writes).toBe(before);
  });

  it("is published also where the clock was set back after it was accepted, and again before it is forgotten", async () => {
    const { shared, clock, accept, pass, published, board } = share();
    shared.start();
    accept("a", 1);
    clock.set(clock.now() - 3_600_000);
    await pass(500);
    expect(published("a")).toEqual([{ behavior: "DELTA", value: 1, group: Infinity }]);
    clock.set(clock.now() - 3_600_000);
    const before = board.writes;
    await pass(board.lastsMs / 2);
    expect(board.writes).toBeGreaterThan(before);
  });

  it("is published once the cache can be written again", async () => {
    const { shared, accept, pass, published, board, logger } = share();
    shared.start();
    board.isDown = true;
    accept("a", 1);
    await pass(5_000);
    expect(logger.lines.map(({ level }) => level)).toEqual(["warn"]);
    board.isDown = false;
    await pass(2_000);
    expect(published("a")).toEqual([{ behavior: "DELTA", value: 1, group: Infinity }]);
    expect(logger.lines).toHaveLength(2);
  });

  it("takes back what a process before it published and what does not wait any more", async () => {
    const { shared, accept, pass, published, board } = share();
    accept("waits", 7);
    board.published.set("delivered", new Map([["calls", []]]));
    board.published.set("waits", new Map([["calls", []]]));
    shared.start();
    board.onForgotten({ customerId: "delivered" });
    board.onForgotten({ customerId: "waits" });
    await pass(200);
    expect([...board.published.keys()]).toEqual(["waits"]);
    expect(published("waits")).toEqual([{ behavior: "DELTA", value: 7, group: Infinity }]);
  });

  it("is published of so many customers, says once that there are more, and once that there is room again", async () => {
    const { shared, accept, deliver, pass, board, logger } = share();
    const ids = Array.from({ length: 50_600 }, (_, index) => accept(`customer-${index}`, 1));
    shared.start();
    await pass(15_000);
    expect(board.published.size).toBe(50_000);
    for (const id of ids.slice(0, 1_000)) deliver(id);
    await pass(15_000);
    expect(board.published.size).toBe(49_600);
    expect(logger.lines.map(({ level, message }) => [level, message.slice(0, 30)])).toEqual([
      ["warn", "more than 50000 customers and "],
      ["warn", "others who share the cache are"],
    ]);
  });

  it("is not published any more once it has been stopped while it was", async () => {
    const { shared, accept, board, clock } = share();
    shared.start();
    accept("a", 1);
    clock.advance(400);
    await shared.stop();
    const before = board.writes;
    clock.advance(10_000);
    await promisesSettled();
    expect(board.writes).toBe(before);
  });

  it("is taken back at the end where it was delivered at last", async () => {
    const { shared, accept, deliver, pass, published } = share();
    shared.start();
    const id = accept("a", 1);
    await pass(500);
    deliver(id);
    await shared.stop();
    expect(published("a")).toBeUndefined();
  });
});

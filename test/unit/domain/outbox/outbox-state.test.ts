import { describe, expect, it } from "@jest/globals";
import type { AcceptedEvent, AsideItem, OutboxRecord } from "../../../../src/domain/outbox/outbox-record.js";
import { OutboxState } from "../../../../src/domain/outbox/outbox-state.js";
import type { UsageSeries } from "../../../../src/domain/outbox/usage-entry.js";
import { usageReport } from "../../../builders/reports.js";

const SUBJECT = { customerId: "c" };

const event = (n: number): AcceptedEvent => ({
  eventName: "call",
  subject: SUBJECT,
  idempotencyKey: String(n),
  dimensions: new Map(),
  timestamp: n,
});

function outbox() {
  const state = new OutboxState();
  const reserve = (at: number, value = 1) => {
    const report = { ...usageReport({ subject: SUBJECT, value, idempotencyKey: `at ${at}` }), timestamp: at };
    return state.reserve(report, Infinity, at);
  };
  /** @returns the id of the entry that it is in */
  const acceptUsage = (at: number, value = 1): number => {
    const item = reserve(at, value);
    state.apply({ type: "usage-accepted", at, items: [item] });
    return item.entryId;
  };
  const acceptEvents = (at: number, count: number): number => {
    const firstId = state.takeId(count);
    const events = Array.from({ length: count }, (_, i) => event(firstId + i));
    state.apply({ type: "events-accepted", at, firstId, events, digests: events.map(() => undefined) });
    return firstId;
  };
  const batch = (at: number, count: number): number => {
    const range = state.events.range(count);
    if (range === undefined) throw new Error("no events wait");
    const id = state.takeId();
    state.apply({ type: "event-batch", id, ...range, at });
    return id;
  };
  const entry = (id: number) => {
    const found = state.entries.get(id);
    if (found === undefined) throw new Error(`no entry ${id} waits`);
    return found;
  };
  /** An entry whose only try upstream refused. */
  const refuse = (id: number, list: AsideItem["list"] = "rejected"): AsideItem => {
    const { usage, group, count } = entry(id).record("box");
    const item: AsideItem = { id, list, reason: "no", at: 50, count, content: { usage, group } };
    state.apply({ type: "set-aside", item });
    return item;
  };
  return { state, reserve, acceptUsage, acceptEvents, batch, entry, refuse };
}

type Box = ReturnType<typeof outbox>;

describe("the oldest report that waits", () => {
  it.each<{ where: string; fill: (box: Box) => void; at: number | undefined }>([
    { where: "is of no time, where none waits", fill: () => undefined, at: undefined },
    {
      where: "is the oldest usage",
      fill: ({ acceptUsage, acceptEvents }) => {
        acceptUsage(10);
        acceptEvents(20, 1);
      },
      at: 10,
    },
    {
      where: "is the oldest event",
      fill: ({ acceptUsage, acceptEvents }) => {
        acceptEvents(5, 1);
        acceptUsage(10);
      },
      at: 5,
    },
    {
      where: "is in a batch that is under way",
      fill: ({ acceptUsage, acceptEvents, batch }) => {
        acceptEvents(3, 1);
        batch(8, 1);
        acceptEvents(5, 2);
        batch(9, 1);
        acceptUsage(10);
      },
      at: 3,
    },
    {
      where: "is in a batch, where nothing else waits",
      fill: ({ acceptEvents, batch }) => {
        acceptEvents(3, 1);
        batch(8, 1);
      },
      at: 3,
    },
  ])("$where", ({ fill, at }) => {
    const box = outbox();
    fill(box);
    expect(box.state.oldestAt()).toBe(at);
  });
});

describe("a report that could not be written", () => {
  it("leaves nothing behind where it was alone", () => {
    const { state, reserve } = outbox();
    state.cancel(reserve(10));
    expect([state.entries.size, state.waiting.size, state.seriesOf(SUBJECT)]).toEqual([0, 0, undefined]);
  });

  it("leaves those that it would have joined", () => {
    const { state, reserve, acceptUsage, entry } = outbox();
    const id = acceptUsage(10, 4);
    const item = reserve(20, 3);
    expect([item.entryId, entry(id).projected]).toEqual([id, 7]);
    state.cancel(item);
    expect(entry(id)).toMatchObject({ value: 4, projected: 4, count: 1, unwritten: 0 });
  });

  it("changes nothing where its entry has come to its end meanwhile", () => {
    const { state, reserve, acceptUsage } = outbox();
    const id = acceptUsage(10);
    const item = reserve(20);
    state.apply({ type: "delivered", ids: [id], count: 1, at: 30 });
    state.cancel(item);
    expect([state.entries.size, state.pending]).toEqual([0, 0]);
  });
});

describe("where records were lost", () => {
  it("all that waits may have been tried, the events in batches of what a request takes", () => {
    const { state, acceptUsage, acceptEvents, entry } = outbox();
    const usage = acceptUsage(10);
    const tried = acceptUsage(15, -1);
    state.apply({ type: "tried", ids: [tried], at: 18 });
    acceptEvents(20, 3);
    acceptEvents(30, 2);
    state.suspectAll(2);
    expect([entry(usage).triedAt, entry(tried).triedAt, state.events.length]).toEqual([10, 18, 0]);
    expect([...state.eventBatches.values()].map(({ events, triedAt }) => [events.length, triedAt])).toEqual([
      [2, 20],
      [2, 20],
      [1, 30],
    ]);
  });

  it("what was written as it is tried stays so: a report of it that is found later is delivered apart", () => {
    const { state, reserve, entry } = outbox();
    const [first, second] = [reserve(10, 4), reserve(20, 3)];
    state.apply({ type: "usage-accepted", at: 10, items: [first] });
    state.apply({ ...entry(first.id).record("box"), triedAt: 15, isFormed: true });
    state.apply({ type: "usage-accepted", at: 20, items: [second] });
    expect([...state.entries.values()].map(({ id, value }) => [id, value])).toEqual([
      [first.id, 4],
      [second.id, 3],
    ]);
    expect(state.pending).toBe(2);
  });

  it("is split at the same event by a reader who has not all of a batch, since its segment was compacted", () => {
    const events = ["a", "b", "c", "d"].map((eventName) => ({
      eventName,
      subject: { customerId: "acme", resourceId: undefined },
      idempotencyKey: eventName,
      dimensions: new Map(),
      timestamp: 10,
    }));
    const accepted = (from: number, to: number): OutboxRecord => ({
      type: "events-accepted",
      at: 10,
      firstId: 1 + from,
      events: events.slice(from, to),
      digests: [],
    });
    const rest: readonly OutboxRecord[] = [
      accepted(2, 4),
      { type: "event-batch", id: 5, firstId: 1, lastId: 4, at: 11 },
      { type: "event-batch-split", id: 5, firstHalf: 6, secondHalf: 7, lastOfFirst: 2, at: 12 },
      { type: "delivered", ids: [6], count: 2, at: 13 },
    ];
    const [writer, reader] = [new OutboxState(), new OutboxState()];
    for (const record of [accepted(0, 2), ...rest]) writer.apply(record);
    for (const record of rest) reader.apply(record);
    const waiting = ({ eventBatches }: OutboxState) =>
      [...eventBatches.values()].map((batch) => [batch.id, batch.events.map(({ id }) => id)]);
    expect(waiting(writer)).toEqual([[7, [3, 4]]]);
    expect(waiting(reader)).toEqual(waiting(writer));
  });

  it("a batch that is not there is not split", () => {
    const { state } = outbox();
    state.apply({ type: "event-batch-split", id: 99, firstHalf: 100, secondHalf: 101, at: 10 });
    expect([...state.eventBatches]).toEqual([]);
  });
});

describe("an outbox that is read again", () => {
  it("holds what its records say: reports that went together are together", () => {
    const written = outbox();
    const items = [written.reserve(10, 4), written.reserve(20, 3), written.reserve(30, -1)];
    const again = new OutboxState();
    for (const state of [written.state, again])
      for (const item of items) state.apply({ type: "usage-accepted", at: item.report.timestamp, items: [item] });
    const entries = ({ entries }: OutboxState) => [...entries.values()].map((entry) => entry.record("box"));
    expect(entries(again)).toEqual(entries(written.state));
    expect(entries(again).map(({ usage, count }) => [usage.value, count])).toEqual([
      [7, 2],
      [-1, 1],
    ]);
    expect([again.pending, again.nextId]).toEqual([3, written.state.nextId]);
  });
});

describe("what upstream refused", () => {
  it.each([
    { list: "rejected", totals: { accepted: 2, rejected: 2, stale: 0 } },
    { list: "in-doubt", totals: { accepted: 2, rejected: 0, stale: 2 } },
  ] as const)("is counted with those that are $list, however often it is said", ({ list, totals }) => {
    const { state, acceptUsage, refuse } = outbox();
    acceptUsage(10);
    const item = refuse(acceptUsage(20), list);
    state.apply({ type: "set-aside", item });
    expect(state.totals).toMatchObject(totals);
    expect([state.pending, state.entries.size, [...state.aside.values()]]).toEqual([0, 0, [item]]);
  });

  it("is gone once it is dropped, and counted as such once", () => {
    const { state, acceptUsage, refuse } = outbox();
    const { id } = refuse(acceptUsage(10));
    for (let i = 0; i < 2; i++) state.apply({ type: "dropped", id, reason: "spam", at: 60 });
    expect(state.totals).toMatchObject({ accepted: 1, rejected: 1, dropped: 1 });
    expect([state.aside.size, state.pending]).toEqual([0, 0]);
  });

  it.each(["rejected", "in-doubt"] as const)("waits again under its own key once it is tried again (%s)", (list) => {
    const { state, acceptUsage, refuse, entry } = outbox();
    const { id, content } = refuse(acceptUsage(10, 4), list);
    const newId = state.nextId;
    for (let i = 0; i < 2; i++) state.apply({ type: "retried", id, newId, at: 60 });
    expect(state.totals).toMatchObject({ accepted: 1, rejected: 0, stale: 0 });
    expect([state.aside.size, state.pending, state.nextId]).toEqual([0, 1, newId + 1]);
    expect(entry(newId).record("box")).toMatchObject({
      usage: "usage" in content ? content.usage : {},
      triedAt: undefined,
    });
  });

  it("waits again with what it says, where it is an event whose record may be gone", () => {
    const { state, acceptEvents, batch } = outbox();
    const id = acceptEvents(10, 1);
    const content = { event: event(id) };
    batch(20, 1);
    state.apply({ type: "set-aside", item: { id, list: "rejected", reason: "no", at: 30, count: 1, content } });
    const newId = state.nextId;
    state.apply({ type: "retried", id, newId, at: 60 });
    expect([state.aside.size, state.pending, state.events.acceptedAt]).toEqual([0, 1, 30]);
    expect(state.events.takeUpTo(newId)).toEqual([{ id: newId, position: 0, event: content.event }]);
  });
});

describe("where the clock was set back", () => {
  it("what was tried is as long ago as it was, and what was not is not tried", () => {
    const { state, acceptUsage, acceptEvents, batch, entry } = outbox();
    const [tried, untried] = [acceptUsage(1_000), acceptUsage(1_100, -1)];
    state.apply({ type: "tried", ids: [tried], at: 1_500 });
    acceptEvents(1_200, 2);
    const [triedBatch, untriedBatch] = [batch(1_600, 1), batch(1_700, 1)];
    state.apply({ type: "not-arrived", ids: [untriedBatch] });
    state.apply({ type: "clock-set-back", byMs: -500 });
    expect([entry(tried).triedAt, entry(untried).triedAt]).toEqual([1_000, undefined]);
    expect([triedBatch, untriedBatch].map((id) => state.eventBatches.get(id)?.triedAt)).toEqual([1_100, undefined]);
    expect(state.latestAt).toBe(1_200);
  });
});

describe("whoever follows an outbox", () => {
  it("is told of each series of which something else waits than before", () => {
    const { state, acceptUsage, entry } = outbox();
    const notified: UsageSeries[] = [];
    state.onChange = (series) => void notified.push(series);
    const id = acceptUsage(10);
    const { series } = entry(id);
    state.measured(entry(id));
    state.apply({ type: "delivered", ids: [id], count: 1, at: 20 });
    expect(notified).toEqual([series, series, series]);
  });
});

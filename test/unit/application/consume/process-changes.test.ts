import { describe, expect, it } from "@jest/globals";
import { type CarryOutOptions, ProcessChanges } from "../../../../src/application/consume/process-changes.js";
import type { Change } from "../../../../src/domain/change.js";
import { CodedError } from "../../../../src/domain/errors.js";
import type { QueuedMessage } from "../../../../src/ports/change-sources.js";
import { emptyState, metered, stateWith } from "../../../builders/states.js";
import { promisesSettled as settled } from "../../../fakes/event-loop.js";
import { InMemorySharedCache } from "../../../fakes/in-memory-shared-cache.js";
import { consumption, customersIn, FIRST_DELAY_MS } from "./consumption.js";

const HOLD_MS = 60_000;
const FAR = Date.UTC(9000, 0, 1);
const UNAVAILABLE = new CodedError("unavailable", "Redis is away");

/** Everything that carries messages out, and a queue that remembers what became of them. */
function processing(
  options: Partial<CarryOutOptions> = {},
  fetchState?: () => Promise<never>,
  writer?: { readonly write: () => Promise<void> },
) {
  const parts = consumption(new InMemorySharedCache(), fetchState && { fetchState });
  const queue = { removed: [] as string[], released: [] as string[], abandoned: [] as string[] };
  const keep = (list: string[]) => (messages: readonly QueuedMessage[]) => {
    list.push(...messages.map(({ id }) => id));
    return Promise.resolve();
  };
  const sweeps: (number | undefined)[] = [];
  const changes = new ProcessChanges(
    {
      ...parts,
      ...(writer && { writer: writer as never }),
      queue: {
        open: () => Promise.resolve(),
        receive: () => Promise.resolve([]),
        remove: keep(queue.removed),
        release: keep(queue.released),
        abandon: (messages) => void keep(queue.abandoned)(messages),
        close: () => Promise.resolve(),
      },
      sweep: { sweep: (at?: number) => Promise.resolve(void sweeps.push(at)) } as never,
    },
    {
      onlyIfCached: false,
      maxWaitingForUpstream: 10,
      holdMs: HOLD_MS,
      firstDelayMs: FIRST_DELAY_MS,
      longestDelayMs: FIRST_DELAY_MS,
      ...options,
    },
  );
  parts.gate.start();
  return {
    ...parts,
    queue,
    sweeps,
    changes,
    errors: () => parts.logger.lines.filter(({ level }) => level === "error"),
  };
}

const subject = { customerId: "acme" };
const UPDATED: Change = { type: "entitlements-updated", subject, state: stateWith([metered()], { updatedAt: 5 }) };

const message = (change: Change, id = "1", at = 5): QueuedMessage => ({ id, content: { change, at } });

describe("a message", () => {
  it.each<[what: string, change: Change, does: { writes?: string[][]; sweeps?: number[] }]>([
    ["of entitlements is written as it is", UPDATED, { writes: [["acme"]] }],
    [
      "of a usage is written as it is",
      { type: "usage-updated", subject, entitlement: { type: "feature", id: "seats" }, usage: { currentUsage: 1 } },
      { writes: [["acme"]] },
    ],
    ["that says no more has upstream asked", { type: "subject-invalidated", subject }, { writes: [["acme"]] }],
    [
      "of an empty set has upstream asked: a late copy must not empty a newer state",
      { type: "entitlements-updated", subject, state: emptyState("CustomerNotFound") },
      { writes: [["acme"]] },
    ],
    [
      "of a publication for all has all asked for",
      { type: "package-published", migration: "ALL_CUSTOMERS" },
      { sweeps: [5] },
    ],
    [
      "of a publication for new customers changes nothing",
      { type: "package-published", migration: "NEW_CUSTOMERS" },
      {},
    ],
  ])("%s, and taken off the queue", async (_, change, { writes = [], sweeps = [] }) => {
    const { changes, cache, queue, ...seen } = processing();
    await changes.carryOut([message(change)]).settled;
    expect(customersIn(cache)).toEqual(writes);
    expect(seen.sweeps).toEqual(sweeps);
    expect(queue).toEqual({ removed: ["1"], released: [], abandoned: [] });
  });

  it("that cannot be understood is left where it is, and said by its id and trace", async () => {
    const { changes, queue, errors } = processing();
    const trace = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` };
    await changes.carryOut([{ id: "1", content: { fault: "no customer" }, trace }]).settled;
    expect(queue).toEqual({ removed: [], released: [], abandoned: ["1"] });
    expect(errors()).toMatchObject([{ fields: { messageId: "1", fault: "no customer", traceId: "a".repeat(32) } }]);
  });

  it("beyond those that may wait for upstream comes again later, without a word", async () => {
    const { changes, queue, errors } = processing({ maxWaitingForUpstream: 0 });
    await changes.carryOut([message({ type: "subject-invalidated", subject })]).settled;
    expect([queue.abandoned, errors()]).toEqual([["1"], []]);
  });

  it("of a subject that upstream refuses is left where it is, and said", async () => {
    const refuse = () => Promise.reject(new CodedError("invalid-argument", "such an id is none"));
    const { changes, queue, errors } = processing({}, refuse);
    await changes.carryOut([message({ type: "subject-invalidated", subject })]).settled;
    expect(queue.abandoned).toEqual(["1"]);
    expect(errors()).toMatchObject([{ fields: { messageId: "1" } }]);
  });

  it("that waits for upstream while the process ends is given back", async () => {
    const { changes, queue, refetch } = processing({}, () => new Promise(() => undefined));
    const asks = (customerId: string) =>
      changes.carryOut([message({ type: "subject-invalidated", subject: { customerId } }, customerId)]).settled;
    // As many as are asked for at once, and one that waits for its turn.
    const [, , third] = [asks("1"), asks("2"), asks("3")];
    await settled();
    refetch.stop();
    await third;
    expect(queue.released).toEqual(["3"]);
  });

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
  ])("from a time yet to come is written as of now: nothing would ever replace it %#", async (change, written) => {
    const { cache, clock, changes } = processing();
    await changes.carryOut([message(change, "1", FAR)]).settled;
    expect(cache.trips.flat()).toMatchObject([{ at: clock.now(), change: { type: change.type, ...written } }]);
  });

  it("from a little later than now keeps its time: clocks differ", async () => {
    const { cache, clock, changes } = processing();
    const at = clock.now() + 60_000;
    const state = stateWith([metered()], { updatedAt: at });
    await changes.carryOut([message({ type: "entitlements-updated", subject, state }, "1", at)]).settled;
    expect(cache.trips.flat()).toMatchObject([{ at, change: { state: { updatedAt: at } } }]);
  });
});

describe("messages that the shared cache takes no writes for", () => {
  async function inAnOutage() {
    const all = processing();
    await settled();
    all.cache.outage = UNAVAILABLE;
    const { settled: done } = all.changes.carryOut([message(UPDATED)]);
    await settled();
    return { ...all, done };
  }

  it("are held, and carried out once it takes them: no receipt is used up", async () => {
    const { cache, clock, queue, done } = await inAnOutage();
    expect(queue).toEqual({ removed: [], released: [], abandoned: [] });
    cache.outage = undefined;
    clock.advance(10 * FIRST_DELAY_MS);
    await settled();
    clock.advance(10 * FIRST_DELAY_MS);
    await done;
    expect([customersIn(cache), queue.removed]).toEqual([[["acme"]], ["1"]]);
  });

  it("are given back once they were held for long enough", async () => {
    const { clock, queue, done } = await inAnOutage();
    clock.advance(HOLD_MS);
    await settled();
    clock.advance(HOLD_MS);
    await done;
    expect(queue).toEqual({ removed: [], released: ["1"], abandoned: [] });
  });

  it.each(["before", "while"])("are given back where the process ends %s they are held", async (when) => {
    const { changes, gate, clock, queue } = processing();
    await settled();
    gate.close(UNAVAILABLE);
    if (when === "before") changes.stop();
    const held = changes.hold([message(UPDATED)]);
    if (when === "while") changes.stop();
    clock.advance(0);
    await held;
    expect(queue.released).toEqual(["1"]);
  });

  it("of one subject alone are left where they are: it may be so for ever", async () => {
    const { changes, cache, queue, errors } = processing();
    await settled();
    cache.spoilt.add("acme");
    const other: Change = { ...UPDATED, subject: { customerId: "b" } };
    await changes.carryOut([message(UPDATED), message(other, "2")]).settled;
    expect(queue).toEqual({ removed: ["2"], released: [], abandoned: ["1"] });
    expect(errors()).toHaveLength(1);
  });

  it("while it says that it takes some are tried again and again, and that is said once", async () => {
    let failures = 3;
    const write = () => (failures-- > 0 ? Promise.reject(UNAVAILABLE) : Promise.resolve());
    const { changes, clock, queue, logger } = processing({}, undefined, { write });
    await settled();
    const { settled: done } = changes.carryOut([message(UPDATED)]);
    for (let i = 0; i < 5; i++) {
      await settled();
      clock.advance(FIRST_DELAY_MS);
    }
    await done;
    expect(queue).toEqual({ removed: ["1"], released: [], abandoned: [] });
    expect(logger.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  });
});

it("messages are traced from where they were sent, with how each ended", async () => {
  const ended: unknown[] = [];
  const span = { child: () => ({ end: () => undefined }), end: (failure?: string) => ended.push(failure) };
  const parts = consumption();
  const started: unknown[] = [];
  const tracer = { start: (...of: unknown[]) => (started.push(of), span) };
  const queue = { remove: () => Promise.resolve(), release: () => Promise.resolve(), abandon: () => undefined };
  const changes = new ProcessChanges(
    { ...parts, queue: queue as never, sweep: {} as never, tracer: tracer as never },
    { onlyIfCached: false, maxWaitingForUpstream: 0, holdMs: 1, firstDelayMs: 1, longestDelayMs: 1 },
  );
  await changes.carryOut([message(UPDATED), message({ type: "subject-invalidated", subject }, "2")]).settled;
  expect(started).toMatchObject([
    ["process entitlements-updated", "consumer", undefined, { "messaging.message.id": "1" }],
    ["process subject-invalidated", "consumer", undefined, { "messaging.message.id": "2" }],
  ]);
  expect(ended.map((failure) => failure === undefined).sort()).toEqual([false, true]);
});

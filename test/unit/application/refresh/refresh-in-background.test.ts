import { describe, expect, it } from "@jest/globals";
import type { Subject } from "../../../../src/domain/subject.js";
import { buildCore, MAX_CONCURRENT_REFRESHES } from "../../../builders/core.js";
import { boolean, stateWith } from "../../../builders/states.js";
import { promisesSettled } from "../../../fakes/event-loop.js";

const customers = (count: number) => Array.from({ length: count }, (_, i): Subject => ({ customerId: `c${i}` }));
const state = stateWith([boolean()]);

describe("refreshing in the background", () => {
  it("fetches a few at a time, in the order in which it was asked", async () => {
    const { refresh, upstream } = buildCore();
    const asked = customers(5);
    for (const subject of asked) refresh.enqueue(subject);
    for (let i = 0; i < asked.length; i++) {
      await promisesSettled();
      expect(upstream.fetches.count).toBe(Math.min(i + MAX_CONCURRENT_REFRESHES, asked.length));
      upstream.fetches.all[i]?.answer(state);
    }
    expect(upstream.fetches.all.map(({ question }) => question.subject)).toEqual(asked);
  });

  it("fetches once, however often it is asked while it waits or fetches", async () => {
    const { refresh, upstream } = buildCore();
    const [first, ...others] = customers(4) as [Subject, ...Subject[]];
    for (let i = 0; i < 10; i++) for (const subject of [first, ...others]) refresh.enqueue(subject);
    (await upstream.fetches.at(0)).answer(state);
    for (let i = 1; i < 4; i++) (await upstream.fetches.at(i)).answer(state);
    await promisesSettled();
    expect(upstream.fetches.count).toBe(4);
  });

  it("fetches past upstream's caches what changed while it waited to be asked for its age alone", async () => {
    const { refresh, upstream } = buildCore();
    const [first, second, third, changed] = customers(4) as [Subject, Subject, Subject, Subject];
    for (const subject of [first, second, third]) refresh.enqueue(subject);
    refresh.verify(changed, 0);
    refresh.enqueue(changed, true);
    for (let i = 0; i < 3; i++) (await upstream.fetches.at(i)).answer(state);
    const last = await upstream.fetches.at(3);
    expect(last.question).toEqual({ subject: changed, latest: false, preferLatest: true });
    last.answer(state);
  });

  it("fetches again when it is asked again later", async () => {
    const { refresh, upstream } = buildCore();
    refresh.enqueue({ customerId: "c" });
    (await upstream.fetches.at(0)).answer(state);
    await promisesSettled();
    refresh.enqueue({ customerId: "c" });
    await upstream.fetches.at(1);
  });

  it("takes a resource apart from its customer", async () => {
    const { refresh, upstream } = buildCore();
    refresh.enqueue({ customerId: "c" });
    refresh.enqueue({ customerId: "c", resourceId: "r" });
    expect([(await upstream.fetches.at(0)).question.subject, (await upstream.fetches.at(1)).question.subject]).toEqual([
      { customerId: "c" },
      { customerId: "c", resourceId: "r" },
    ]);
  });

  it("goes on after failures", async () => {
    const { refresh, upstream, logger } = buildCore();
    for (const subject of customers(4)) refresh.enqueue(subject);
    for (let i = 0; i < 4; i++) (await upstream.fetches.at(i)).fail();
    await promisesSettled();
    expect(logger.lines.map(({ level }) => level)).toEqual(["debug", "debug", "debug", "debug"]);
    refresh.enqueue({ customerId: "later" });
    await upstream.fetches.at(4);
  });

  it("joins a fetch that a check has under way", async () => {
    const { refresh, load, upstream } = buildCore();
    const checked = load.load({ customerId: "c" });
    refresh.enqueue({ customerId: "c" });
    (await upstream.fetches.at(0)).answer(state);
    await checked;
    await promisesSettled();
    expect(upstream.fetches.count).toBe(1);
  });

  it("keeps no more waiting than a bound: the rest is left to checks", async () => {
    const { refresh, upstream } = buildCore();
    for (const subject of customers(10_500)) refresh.enqueue(subject);
    let answered = 0;
    await promisesSettled();
    while (answered < upstream.fetches.count) {
      for (; answered < upstream.fetches.count; answered++) upstream.fetches.all[answered]?.answer(undefined);
      await promisesSettled();
    }
    expect(answered).toBe(10_000 + MAX_CONCURRENT_REFRESHES);
  });
});

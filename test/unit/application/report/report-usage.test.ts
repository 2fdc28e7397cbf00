import { describe, expect, it } from "@jest/globals";
import { ReportEvents } from "../../../../src/application/report/report-usage.js";
import { CodedError } from "../../../../src/domain/errors.js";
import type { UsageMeasurement } from "../../../../src/domain/usage/usage-report.js";
import { buildCore, type Core, know, NO_HURRY } from "../../../builders/core.js";
import { creditQuery, featureQuery } from "../../../builders/queries.js";
import { usageMeasurement, usageReport } from "../../../builders/reports.js";
import { boolean, metered, stateWith, wallet } from "../../../builders/states.js";
import { RemoteStore } from "../../../fakes/remote-store.js";

const subject = { customerId: "c" };
const known = stateWith(
  [
    metered({ usage: { currentUsage: 8, updatedAt: 100 } }),
    boolean({ creditRate: { amount: 1, currencyId: "credits" } }),
  ],
  {
    updatedAt: 100,
    credits: [wallet({ usage: { currentUsage: 40, updatedAt: 100 } })],
  },
);

const seatsOf = (core: Core) => core.cache.peek("c", undefined)?.state.featureUsage("seats").currentUsage;

async function reported(core: Core, answer: UsageMeasurement) {
  const index = core.upstream.reports.count;
  const result = core.reportUsage.report(usageReport(), NO_HURRY);
  (await core.upstream.reports.at(index)).answer(answer);
  return result;
}

describe("a report of usage", () => {
  it("goes to upstream as it is, and its measurement comes back as it is", async () => {
    const core = buildCore();
    const given = usageReport({
      value: -2.5,
      updateBehavior: "SET",
      dimensions: new Map([["region", "eu"]]),
      timestamp: 7,
    });
    const result = core.reportUsage.report(given, NO_HURRY);
    const call = await core.upstream.reports.at(0);
    expect(call.question).toBe(given);
    const received = usageMeasurement();
    call.answer(received);
    expect(await result).toBe(received);
  });

  it("without a timestamp gets that of its acceptance, in a bulk all the same", async () => {
    const core = buildCore();
    const accepted = core.clock.now();
    void core.reportUsage.report(usageReport(), NO_HURRY);
    void core.reportUsage.reportBulk([usageReport(), usageReport({ timestamp: 7 }), usageReport()], NO_HURRY);
    core.clock.advance(5_000);
    expect((await core.upstream.reports.at(0)).question).toEqual(usageReport({ timestamp: accepted }));
    expect((await core.upstream.bulkReports.at(0)).question.map(({ timestamp }) => timestamp)).toEqual([
      accepted,
      7,
      accepted,
    ]);
  });

  it("is known to the next check at once", async () => {
    const core = buildCore();
    await know(core, subject, known);
    const asked = featureQuery("seats", { requestedUsage: 1 });
    expect(core.check.feature("c", undefined, asked, NO_HURRY)).toMatchObject({ result: { hasAccess: true } });
    await reported(core, usageMeasurement());
    expect(core.check.feature("c", undefined, asked, NO_HURRY)).toMatchObject({
      source: "memory",
      result: { hasAccess: false, usage: { currentUsage: 10 } },
    });
    expect(core.upstream.fetches.count).toBe(1);
  });

  it("brings its period along", async () => {
    const core = buildCore();
    await know(core, subject, known);
    await reported(core, usageMeasurement({ periodStart: 150, periodEnd: 300 }));
    expect(core.cache.peek("c", undefined)?.state.featureUsage("seats")).toMatchObject({
      periodStart: 150,
      periodEnd: 300,
      updatedAt: 200,
    });
  });

  it("that draws on a wallet is known to checks of the wallet, and of what else draws on it", async () => {
    const core = buildCore();
    await know(core, subject, known);
    await reported(
      core,
      usageMeasurement({ credit: { currencyId: "credits", currentUsage: 100, periodEnd: 900, updatedAt: 200 } }),
    );
    expect(core.check.credit("c", undefined, creditQuery("credits"), NO_HURRY)).toMatchObject({
      result: { hasAccess: false, remaining: 0 },
    });
    expect(core.check.feature("c", undefined, featureQuery("sso"), NO_HURRY)).toMatchObject({
      result: { accessDeniedReason: "InsufficientCredits" },
    });
  });

  it.each([
    { which: "not counted yet", answer: usageMeasurement({ currentUsage: undefined }), seats: 8 },
    { which: "0", answer: usageMeasurement({ currentUsage: 0 }), seats: 0 },
    { which: "counted before what is known", answer: usageMeasurement({ updatedAt: 99 }), seats: 8 },
    { which: "counted at no known time", answer: usageMeasurement({ updatedAt: undefined }), seats: 10 },
    { which: "of a feature that the set does not have", answer: usageMeasurement({ featureId: "other" }), seats: 8 },
    { which: "of a resource", answer: usageMeasurement({ subject: { customerId: "c", resourceId: "r" } }), seats: 8 },
  ])("that is $which leaves $seats used", async ({ answer, seats }) => {
    const core = buildCore();
    await know(core, subject, known);
    await reported(core, answer);
    expect(seatsOf(core)).toBe(seats);
    expect(await core.cache.load({ customerId: "c", resourceId: "r" })).toBeUndefined();
  });

  it("of a customer that is not cached is dropped", async () => {
    const core = buildCore();
    await reported(core, usageMeasurement());
    expect(await core.cache.load(subject)).toBeUndefined();
  });

  it("that upstream refuses is refused to the caller as upstream said, and changes nothing here", async () => {
    const core = buildCore();
    await know(core, subject, known);
    const failure = new CodedError("failed-precondition", "the customer is archived");
    const result = core.reportUsage.report(usageReport(), NO_HURRY);
    (await core.upstream.reports.at(0)).fail(failure);
    await expect(result).rejects.toBe(failure);
    expect(seatsOf(core)).toBe(8);
  });

  it("that is counted is a success even where the cache cannot be updated", async () => {
    const core = buildCore({
      store: (memory) => {
        const remote = new RemoteStore(memory);
        remote.isReachable = false;
        return remote;
      },
    });
    expect(await reported(core, usageMeasurement())).toMatchObject({ measurementId: "m" });
    expect(core.logger.lines).toMatchObject([{ level: "warn" }]);
  });

  it("says once that the cache can be updated again", async () => {
    const stores: RemoteStore[] = [];
    const core = buildCore({
      store: (memory) => {
        stores.push(new RemoteStore(memory));
        return stores[0]!;
      },
    });
    for (const isReachable of [false, true, true]) {
      stores[0]!.isReachable = isReachable;
      await reported(core, usageMeasurement());
    }
    expect(core.logger.lines.map(({ message }) => message)).toEqual([
      "reported usage could not be written to the cache",
      "reported usage is written to the cache again",
    ]);
  });

  it("stops with its caller", async () => {
    const core = buildCore();
    const caller = new AbortController();
    const result = core.reportUsage.report(usageReport(), { deadlineAt: undefined, signal: caller.signal });
    await core.upstream.reports.at(0);
    caller.abort();
    await expect(result).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("a report in bulk", () => {
  it("is known to the next check at once, in the order of its reports", async () => {
    const core = buildCore();
    await know(core, subject, known);
    const given = [usageReport({ timestamp: 1 }), usageReport({ idempotencyKey: "other", timestamp: 2 })];
    const result = core.reportUsage.reportBulk(given, NO_HURRY);
    const call = await core.upstream.bulkReports.at(0);
    expect(call.question).toEqual(given);
    const received = [usageMeasurement({ currentUsage: 9 }), usageMeasurement({ currentUsage: 10 })];
    call.answer(received);
    expect(await result).toBe(received);
    expect(seatsOf(core)).toBe(10);
  });

  it("that upstream refuses is refused to the caller, and changes nothing here", async () => {
    const core = buildCore();
    await know(core, subject, known);
    const result = core.reportUsage.reportBulk([usageReport()], NO_HURRY);
    (await core.upstream.bulkReports.at(0)).fail();
    await expect(result).rejects.toMatchObject({ code: "unavailable" });
    expect(seatsOf(core)).toBe(8);
  });
});

describe("a report of events", () => {
  const event = { eventName: "login", subject, idempotencyKey: "key", dimensions: new Map(), timestamp: 7 };

  it("goes to upstream as it is", async () => {
    const { upstream, clock } = buildCore();
    const result = new ReportEvents(upstream, clock).report([event], NO_HURRY);
    const call = await upstream.eventReports.at(0);
    expect(call.question).toEqual([event]);
    call.answer(undefined);
    await expect(result).resolves.toBeUndefined();
  });

  it("without a timestamp gets that of its acceptance, all of a call the same, and keeps one that it has", async () => {
    const { upstream, clock } = buildCore();
    const accepted = clock.now();
    void new ReportEvents(upstream, clock).report(
      [event, { ...event, timestamp: undefined }, { ...event, timestamp: undefined }],
      NO_HURRY,
    );
    clock.advance(5_000);
    const { question } = await upstream.eventReports.at(0);
    expect(question.map(({ timestamp }) => timestamp)).toEqual([7, accepted, accepted]);
  });

  it("that upstream refuses is refused to the caller", async () => {
    const { upstream, clock } = buildCore();
    const failure = new CodedError("invalid-argument", "unknown event");
    const result = new ReportEvents(upstream, clock).report([event], NO_HURRY);
    (await upstream.eventReports.at(0)).fail(failure);
    await expect(result).rejects.toBe(failure);
  });

  it.each([
    { failure: new CodedError("invalid-argument", "unknown event"), counts: "no" },
    { failure: new CodedError("deadline-exceeded", "no answer", { mayCount: true }), counts: "unknown" },
  ])("that fails is logged with whether it counts: $counts", async ({ failure, counts }) => {
    const { upstream, clock, logger } = buildCore();
    const result = new ReportEvents(upstream, clock, logger).report([event], NO_HURRY);
    (await upstream.eventReports.at(0)).fail(failure);
    await expect(result).rejects.toBe(failure);
    expect(logger.lines).toMatchObject([{ level: "warn", fields: { code: failure.code, counts } }]);
  });

  it("stops with its caller", async () => {
    const { upstream, clock } = buildCore();
    const caller = new AbortController();
    const result = new ReportEvents(upstream, clock).report([event], { deadlineAt: undefined, signal: caller.signal });
    await upstream.eventReports.at(0);
    caller.abort();
    await expect(result).rejects.toMatchObject({ code: "cancelled" });
  });
});

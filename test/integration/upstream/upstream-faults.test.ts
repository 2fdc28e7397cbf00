import { afterEach, describe, expect, it } from "@jest/globals";
import type { CodedError, ErrorCode } from "../../../src/domain/errors.js";
import { fail } from "../../support/expectations.js";
import { BUDGET_MS, patient, stateAnswer, upstreamUnderTest, usageReport } from "./upstream-under-test.js";
import type { Reaction } from "./vendor-server.js";

type UnderTest = Awaited<ReturnType<typeof upstreamUnderTest>>;
const opened: UnderTest[] = [];

async function open(...options: Parameters<typeof upstreamUnderTest>): Promise<UnderTest> {
  const test = await upstreamUnderTest(...options);
  opened.push(test);
  return test;
}

afterEach(() => Promise.all(opened.splice(0).map((test) => test.close())));

const fetchIn = ({ upstream, passTimeUntilSettled }: UnderTest, latest = false, customerId = "c") =>
  passTimeUntilSettled(upstream.fetchState({ customerId }, { signal: patient(), latest }));

async function failureOf(work: Promise<unknown>): Promise<CodedError> {
  return work.then(
    () => fail("it should have failed"),
    (error: unknown) => error as CodedError,
  );
}

/** What can go wrong with one request, and by which code it fails. */
const FAULTS: readonly (readonly [name: string, reaction: Reaction, code: ErrorCode])[] = [
  ["a reset connection", "reset", "unavailable"],
  ["an answer that breaks off", "half an answer", "unavailable"],
  ["HTTP 500", { status: 500, json: {} }, "unavailable"],
  ["HTTP 502 with a page", { status: 502, text: "<html>Bad gateway</html>" }, "unavailable"],
  ["HTTP 404 with a page", { status: 404, text: "<html>Not found</html>" }, "unavailable"],
  ["HTTP 301", { status: 301, json: {} }, "unavailable"],
  ["HTTP 429", { status: 429, json: {} }, "resource-exhausted"],
  ["HTTP 401", { status: 401, json: {} }, "unauthenticated"],
  [
    "an invalid key beside HTTP 200",
    { json: { errors: [{ message: "Bad key", extensions: { code: "Unauthenticated" } }] } },
    "unauthenticated",
  ],
  [
    "an unexpected error beside HTTP 200",
    { json: { errors: [{ message: "Oops", extensions: { code: "UnexpectedError" } }] } },
    "unavailable",
  ],
  ["what is not JSON", { text: "{" }, "internal"],
  ["nothing", { text: "" }, "internal"],
  ["no data", { json: {} }, "internal"],
  ["no list", { json: { data: { entitlementsState: {} } } }, "internal"],
  ["too much", { text: `"${"x".repeat(5_000)}"` }, "internal"],
];
const LIMITS = { maxBodyBytes: 4_000 };

describe("Edge that fails", () => {
  it.each(FAULTS)("by %s: the API answers", async (_, reaction) => {
    const test = await open({ limits: LIMITS });
    test.edge.react = () => reaction;
    test.api.react = () => stateAnswer("from the API");
    expect((await fetchIn(test))?.feature("from the API")?.kind).toBe("boolean");
  });

  it.each([300, 600, 900, 2_500])(
    "by slowness alone, %i ms: its answer is the answer where the API fails or hangs",
    async (slowMs) => {
      for (const reaction of [{ status: 503, json: {} }, "hang"] as const) {
        const test = await open();
        test.edge.react = () =>
          new Promise((resolve) => test.clock.after(slowMs, () => resolve(stateAnswer("from Edge"))));
        test.api.react = () => reaction;
        expect((await fetchIn(test))?.feature("from Edge")?.kind).toBe("boolean");
        expect(test.edge.seen).toHaveLength(1);
      }
    },
  );

  it("by slowness, over and over: it is not taken for broken, and answers once the API does not", async () => {
    const test = await open();
    test.edge.react = () => new Promise((resolve) => test.clock.after(600, () => resolve(stateAnswer("from Edge"))));
    test.api.react = () => stateAnswer("from the API");
    for (let i = 0; i < 10; i++) expect((await fetchIn(test))?.feature("from the API")?.kind).toBe("boolean");
    test.api.react = () => ({ status: 503, json: {} });
    for (let i = 0; i < 10; i++) expect((await fetchIn(test))?.feature("from Edge")?.kind).toBe("boolean");
    expect(test.logger.lines.filter(({ message }) => message.includes("Edge"))).toEqual([]);
  });

  it("by hanging over and over: it is no longer waited for", async () => {
    const test = await open({ limits: { probeDelayMs: 60_000 } });
    test.edge.react = () => "hang";
    test.api.react = () => stateAnswer("from the API");
    for (let i = 0; i < 5; i++) expect((await fetchIn(test))?.featureCount).toBe(1);
    await test.passTimeUntilSettled(
      new Promise<void>((resolve) => {
        const look = () =>
          test.logger.lines.some(({ message }) => message.startsWith("Edge does not work"))
            ? resolve()
            : void setImmediate(look);
        look();
      }),
    );
    const startedAt = test.clock.now();
    expect((await fetchIn(test))?.featureCount).toBe(1);
    expect(test.clock.now() - startedAt).toBeLessThan(200);
  });

  it("by hanging: the API answers within the budget of the check", async () => {
    const test = await open();
    test.edge.react = () => "hang";
    test.api.react = () => stateAnswer("from the API");
    const startedAt = test.clock.now();
    expect((await fetchIn(test))?.featureCount).toBe(1);
    expect(test.clock.now() - startedAt).toBeLessThan(BUDGET_MS);
  });

  it("by refusing connections: the API answers", async () => {
    const test = await open();
    test.api.react = () => stateAnswer("from the API");
    await test.edge.stop();
    expect((await fetchIn(test))?.featureCount).toBe(1);
  });

  it("once: it is asked a second time before the API", async () => {
    const test = await open();
    test.edge.react = () => (test.edge.seen.length === 1 ? "reset" : stateAnswer());
    expect((await fetchIn(test))?.featureCount).toBe(1);
    expect([test.edge.seen.length, test.api.seen.length]).toEqual([2, 0]);
    expect(test.telemetry.networkRequestErrors).toBe(1);
  });
});

describe("the API that fails", () => {
  it.each(FAULTS)("by %s: so does the fetch, with a code", async (_, reaction, code) => {
    const test = await open({ withEdge: false, limits: LIMITS });
    test.api.react = () => reaction;
    expect(await failureOf(fetchIn(test))).toMatchObject({ name: "CodedError", code });
    const counted =
      code === "unauthenticated" ? test.telemetry.invalidApiKeyErrors : test.telemetry.networkRequestErrors;
    expect(counted).toBe(test.api.seen.length);
  });

  it("by hanging: the fetch ends, and so does the request", async () => {
    const test = await open({ withEdge: false });
    test.api.react = () => "hang";
    expect(await failureOf(fetchIn(test))).toMatchObject({ code: "deadline-exceeded" });
    expect(test.telemetry.networkRequestErrors).toBe(1);
    await test.passTimeUntilSettled(
      new Promise<void>((resolve) => [...test.api.sockets][0]?.on("close", () => resolve()) ?? resolve()),
    );
  });

  it("never lets the key be seen", async () => {
    const test = await open();
    await Promise.all([test.edge.stop(), test.api.stop()]);
    const failure = await failureOf(fetchIn(test));
    expect(JSON.stringify([failure.message, failure.cause, test.logger.lines])).not.toContain("server-key");
  });
});

describe("what is stale", () => {
  const fetchStale = (test: UnderTest) =>
    test.passTimeUntilSettled(
      test.upstream.fetchState({ customerId: "c" }, { signal: patient(), latest: false, preferLatest: true }),
    );

  it("is fetched from the API, which no cache of Edge's can be ahead of", async () => {
    const test = await open();
    test.api.react = () => stateAnswer("from the API");
    expect((await fetchStale(test))?.feature("from the API")?.kind).toBe("boolean");
    expect(test.edge.seen).toEqual([]);
  });

  it.each<[string, Reaction]>([
    ["fails", { status: 503, json: {} }],
    ["hangs", "hang"],
    ["throttles", { status: 429, json: {} }],
  ])("is fetched from Edge where the API %s, within the budget of the check", async (_, reaction) => {
    const test = await open();
    test.api.react = () => reaction;
    test.edge.react = () => stateAnswer("from Edge");
    const startedAt = test.clock.now();
    expect((await fetchStale(test))?.feature("from Edge")?.kind).toBe("boolean");
    expect(test.clock.now() - startedAt).toBeLessThan(BUDGET_MS);
  });
});

describe("a subject that Edge refuses", () => {
  const refusing = (test: UnderTest, status: number) => {
    test.edge.react = ({ path }) => (path.includes("refused") ? { status, text: "" } : stateAnswer("from Edge"));
  };
  const STATUSES = [400, 404, 405, 413, 414, 422, 431];

  it.each(STATUSES)("by HTTP %i is asked of the API, and Edge goes on being asked for others", async (status) => {
    const test = await open();
    refusing(test, status);
    test.api.react = () => stateAnswer("from the API");
    for (let i = 0; i < 20; i++)
      expect((await fetchIn(test, false, `refused-${i}`))?.feature("from the API")?.kind).toBe("boolean");
    expect((await fetchIn(test, false, "other"))?.feature("from Edge")?.kind).toBe("boolean");
    expect(test.telemetry).toMatchObject({ networkRequestErrors: 0, refusedFetches: 20 });
    expect(test.logger.lines.map(({ level }) => level)).toEqual(["warn"]);
  });

  it.each(STATUSES)(
    "by HTTP %i costs others nothing where the API is away, and is asked for once in a while",
    async (status) => {
      const test = await open();
      refusing(test, status);
      await test.api.stop();
      for (let i = 0; i < 20; i++)
        expect(await failureOf(fetchIn(test, false, "refused"))).toMatchObject({ name: "CodedError" });
      expect(test.edge.seen).toHaveLength(1);
      expect((await fetchIn(test, false, "other"))?.feature("from Edge")?.kind).toBe("boolean");
    },
  );

  it("and the API too, is asked of neither for a while", async () => {
    const test = await open();
    refusing(test, 431);
    test.api.react = () => ({ status: 413, text: "" });
    for (let i = 0; i < 20; i++)
      expect(await failureOf(fetchIn(test, false, "refused"))).toMatchObject({ code: "invalid-argument" });
    expect([test.edge.seen.length, test.api.seen.length]).toEqual([1, 1]);
  });
});

describe("a subject for which upstream answers what cannot be read", () => {
  const unreadable = { status: 200, json: { data: { entitlementsState: { entitlementsV2: null } } } };
  const answering = (test: UnderTest) => {
    test.edge.react = ({ path }) => (path.includes("broken") ? unreadable : { status: 503, json: {} });
    test.api.react = ({ body }) => (JSON.stringify(body).includes("broken") ? unreadable : stateAnswer("from the API"));
  };

  it("is asked for once in a while, one line for each upstream tells of it, and the API goes on being asked for others", async () => {
    const test = await open();
    answering(test);
    for (let i = 0; i < 20; i++)
      expect(await failureOf(fetchIn(test, false, "broken"))).toMatchObject({ code: "internal" });
    expect([test.edge.seen.length, test.api.seen.length]).toEqual([1, 1]);
    expect(test.logger.lines.map(({ level, message }) => [level, message.split(",")[0]])).toEqual([
      ["warn", "what Edge answers for a customer cannot be read"],
      ["warn", "what the API answers for a customer cannot be read"],
    ]);
    expect((await fetchIn(test, false, "other"))?.feature("from the API")?.kind).toBe("boolean");
  });

  it("is none of many that together open a circuit breaker", async () => {
    const test = await open();
    answering(test);
    for (let i = 0; i < 20; i++) await failureOf(fetchIn(test, false, `broken-${i}`));
    expect((await fetchIn(test, false, "other"))?.feature("from the API")?.kind).toBe("boolean");
    expect(test.telemetry.refusedFetches).toBe(0);
  });
});

describe("a caller who goes away", () => {
  it("ends the request", async () => {
    const test = await open();
    test.edge.react = () => "hang";
    const abort = new AbortController();
    const fetch = failureOf(test.upstream.fetchState({ customerId: "c" }, { signal: abort.signal, latest: false }));
    await test.edge.untilSeen(1);
    abort.abort();
    expect(await fetch).toMatchObject({ code: "cancelled" });
    expect(test.telemetry.networkRequestErrors).toBe(0);
  });

  it("who was gone before is asked nothing for", async () => {
    const test = await open();
    expect(
      await failureOf(test.upstream.fetchState({ customerId: "c" }, { signal: AbortSignal.abort(), latest: false })),
    ).toMatchObject({ code: "cancelled" });
    expect(test.edge.seen).toEqual([]);
  });
});

describe("an upstream that goes on failing", () => {
  it("is no longer asked, is probed in the background, and is asked again once it works; two lines tell", async () => {
    const test = await open({ withEdge: false });
    test.api.react = () => ({ status: 503, json: {} });
    for (let i = 0; i < 5; i++) await failureOf(fetchIn(test, false, `c${i}`));
    const asked = test.api.seen.length;
    expect(
      await failureOf(test.upstream.fetchState({ customerId: "c" }, { signal: patient(), latest: false })),
    ).toMatchObject({ code: "unavailable" });
    expect(test.api.seen.length).toBe(asked);

    await test.passTimeUntilSettled(test.api.untilSeen(asked + 3));
    expect(test.api.seen.slice(asked).map(({ body }) => body?.operationName)).toEqual([
      "GetSdkConfiguration",
      "GetSdkConfiguration",
      "GetSdkConfiguration",
    ]);
    test.api.react = ({ body }) =>
      body?.operationName === "GetSdkConfiguration" ? { json: { data: { sdkConfiguration: {} } } } : stateAnswer();
    await test.passTimeUntilSettled(test.api.untilSeen(asked + 4));
    let state;
    do state = await fetchIn(test).catch(() => undefined);
    while (state === undefined);
    expect(test.logger.lines.map(({ level }) => level)).toEqual(["warn", "warn"]);
  });

  it.each<readonly [what: string, reaction: Reaction]>([
    ["a status", { status: 500, json: {} }],
    ["what is no JSON", { text: "<html>" }],
    ["a reset", "reset"],
  ])("for one customer alone, by %s, is asked for all others", async (_, reaction) => {
    const test = await open({ withEdge: false });
    test.api.react = ({ body }) => {
      if (body?.operationName === "GetSdkConfiguration") return { json: { data: { sdkConfiguration: {} } } };
      return JSON.stringify(body?.variables).includes('"bad"') ? reaction : stateAnswer();
    };
    for (let i = 0; i < 20; i++) await failureOf(fetchIn(test, false, "bad"));
    for (let i = 0; i < 4; i++) expect((await fetchIn(test, false, `c${i}`))?.featureCount).toBe(1);
    expect(test.logger.lines.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^the API works, and fails for a customer all the same/),
    ]);
  });

  it("is asked all the same by who needs the latest", async () => {
    const test = await open({ withEdge: false });
    test.api.react = () => ({ status: 503, json: {} });
    for (let i = 0; i < 5; i++) await failureOf(fetchIn(test));
    test.api.react = () => stateAnswer();
    expect((await fetchIn(test, true))?.featureCount).toBe(1);
  });

  it("does not take the other one with it", async () => {
    const test = await open();
    test.edge.react = () => ({ status: 503, json: {} });
    test.api.react = () => stateAnswer();
    for (let i = 0; i < 10; i++) expect((await fetchIn(test))?.featureCount).toBe(1);
    expect(test.edge.seen.filter(({ path }) => path.startsWith("/v1/c/"))).toHaveLength(10);
    expect(test.api.seen).toHaveLength(10);
  });
});

describe("many fetches", () => {
  it("never exceed the bound, and all are answered", async () => {
    const test = await open({ limits: { maxConcurrentFetches: 4 } });
    const held: (() => void)[] = [];
    test.edge.react = () =>
      new Promise((resolve) => {
        held.push(() => resolve(stateAnswer()));
        // All that may come have come: only now is any of them answered.
        if (held.length === 4) for (const release of held.splice(0)) release();
      });
    const states = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        test.upstream.fetchState({ customerId: `c${i}` }, { signal: patient(), latest: false }),
      ),
    );
    expect(states.map((state) => state?.featureCount)).toEqual(Array.from({ length: 100 }, () => 1));
    expect(test.edge.maxPending).toBe(4);
  });
});

describe("a report", () => {
  const acknowledged = { json: { data: { reportUsage: { id: "m" } } } };
  const report = (test: UnderTest) =>
    test.passTimeUntilSettled(test.upstream.reportUsage(usageReport(), { signal: patient() }));

  it.each<[string, Reaction]>([
    ["a reset connection", "reset"],
    ["an answer that breaks off", "half an answer"],
    ["HTTP 503", { status: 503, json: {} }],
  ])("that fails by %s is made once more, with the same idempotency key", async (_, reaction) => {
    const test = await open();
    test.api.react = () => (test.api.seen.length === 1 ? reaction : acknowledged);
    expect(await report(test)).toMatchObject({ measurementId: "m" });
    expect(test.api.seen.map(({ body }) => body?.variables)).toEqual([
      { input: expect.objectContaining({ idempotencyKey: "key-1" }) },
      { input: expect.objectContaining({ idempotencyKey: "key-1" }) },
    ]);
  });

  const unknown =
    /\. Whether this counts is not known: report it again under the same idempotency key where it was sent with one, and it counts once; without one, it may count twice$/;

  it.each<[string, Reaction, ErrorCode]>([
    ["reset connections", "reset", "unavailable"],
    ["HTTP 503", { status: 503, json: {} }, "unavailable"],
    ["an answer that does not say whether it counts", { json: { data: {} } }, "internal"],
    ["an answer that never comes", "hang", "deadline-exceeded"],
  ])("that goes on failing by %s fails, and says that it may count", async (_, reaction, code) => {
    const test = await open();
    test.api.react = () => reaction;
    expect(await failureOf(report(test))).toMatchObject({
      code,
      message: expect.stringMatching(unknown) as unknown as string,
    });
    expect(test.api.seen).toHaveLength(code === "unavailable" ? 2 : 1);
  });

  it("whose first try may have arrived may count, also where the second is refused for its rate", async () => {
    const test = await open();
    test.api.react = () => (test.api.seen.length === 1 ? "reset" : { status: 429, json: {} });
    expect(await failureOf(report(test))).toMatchObject({
      code: "resource-exhausted",
      message: expect.stringMatching(unknown) as unknown as string,
    });
  });

  it.each<[code: string, expected: ErrorCode]>([
    ["CustomerNotFound", "not-found"],
    ["BadUserInput", "invalid-argument"],
    ["DuplicatedEntityNotAllowed", "failed-precondition"],
    ["Forbidden", "permission-denied"],
  ])("whose first try may have arrived may count, also where the second is refused by %s", async (code, expected) => {
    const test = await open();
    test.api.react = () =>
      test.api.seen.length === 1
        ? "reset"
        : { json: { data: null, errors: [{ message: "as upstream says it", extensions: { code } }] } };
    expect(await failureOf(report(test))).toMatchObject({
      code: expected,
      mayCount: true,
      message: expect.stringMatching(/^as upstream says it\. .*not known/) as unknown as string,
    });
  });

  it("that is refused for its rate does not count, as the code says", async () => {
    const test = await open();
    test.api.react = () => ({ status: 429, json: {} });
    expect(await failureOf(report(test))).toMatchObject({
      code: "resource-exhausted",
      message: "the API answered HTTP 429",
    });
  });

  it("that never left says that it does not count", async () => {
    const test = await open();
    await test.api.stop();
    expect(await failureOf(report(test))).toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(
        /ECONNREFUSED\)\. This is not counted: report it again later$/,
      ) as unknown as string,
    });
  });

  it.each<[code: string, expected: ErrorCode]>([
    ["CustomerNotFound", "not-found"],
    ["BadUserInput", "invalid-argument"],
    ["CannotReportUsageForEntitlementWithMeterError", "failed-precondition"],
    ["Unauthenticated", "unauthenticated"],
  ])("that upstream refuses by %s fails at once, with upstream's message", async (code, expected) => {
    const test = await open();
    test.api.react = () => ({
      json: { data: null, errors: [{ message: "as upstream says it", extensions: { code } }] },
    });
    expect(await failureOf(report(test))).toMatchObject({ code: expected, message: "as upstream says it" });
    expect(test.api.seen).toHaveLength(1);
  });

  it("is made although fetches have failed so often that no more are made", async () => {
    const test = await open({ withEdge: false });
    test.api.react = ({ body }) => (body?.operationName === "ReportUsage" ? acknowledged : { status: 503, json: {} });
    for (let i = 0; i < 6; i++) await failureOf(fetchIn(test));
    expect(await report(test)).toMatchObject({ measurementId: "m" });
  });

  it("that gets no answer fails in the end, and is not made again: it may have been counted", async () => {
    const test = await open();
    test.api.react = () => "hang";
    expect(await failureOf(report(test))).toMatchObject({ code: "deadline-exceeded" });
    expect(test.api.seen).toHaveLength(1);
  });
});

describe("kept connections", () => {
  it("that a restart has broken cost no fetch", async () => {
    const test = await open();
    test.edge.react = () => stateAnswer();
    await Promise.all(Array.from({ length: 10 }, (_, i) => fetchIn(test, false, `c${i}`)));
    for (const socket of test.edge.sockets) socket.resetAndDestroy();
    const states = await Promise.all(Array.from({ length: 10 }, (_, i) => fetchIn(test, false, `d${i}`)));
    expect(states.map((state) => state?.featureCount)).toEqual(Array.from({ length: 10 }, () => 1));
  });
});

describe("a kept connection that the server resets as it is used again", () => {
  it.each([
    { who: "Edge, twice in a row", withEdge: true, isEdgeAway: false },
    { who: "the API alone", withEdge: false, isEdgeAway: false },
    { who: "the API, asked since Edge fails", withEdge: true, isEdgeAway: true },
  ])("costs no fetch: $who", async ({ withEdge, isEdgeAway }) => {
    const test = await open({ withEdge });
    const server = withEdge && !isEdgeAway ? test.edge : test.api;
    if (isEdgeAway) test.edge.react = () => ({ status: 503, json: {} });
    // With Edge the API is no way out.
    else if (withEdge) test.api.react = () => "reset";
    for (let i = 0; i < 4; i++) {
      server.react = () => stateAnswer();
      expect((await fetchIn(test, false, `a${i}`))?.featureCount).toBe(1);
      let resets = 1;
      server.react = () => (resets-- > 0 ? "reset" : stateAnswer());
      expect((await fetchIn(test, false, `b${i}`))?.featureCount).toBe(1);
    }
  });
});

describe("kept connections that nothing answers on any more, as after a change of the network", () => {
  it("are all given up with the first one that fails", async () => {
    const test = await open();
    test.edge.react = () => stateAnswer("from Edge");
    test.api.react = () => stateAnswer("from the API");
    await Promise.all(Array.from({ length: 10 }, (_, i) => fetchIn(test, false, `c${i}`)));
    for (const socket of test.edge.sockets) test.edge.deadSockets.add(socket);
    expect(test.edge.deadSockets.size).toBeGreaterThan(1);
    expect((await fetchIn(test))?.feature("from the API")?.kind).toBe("boolean");
    expect((await fetchIn(test))?.feature("from Edge")?.kind).toBe("boolean");
  });
});

describe("the start", () => {
  it.each([true, false])(
    "with an invalid key is counted and logged once, and heals by itself (with Edge: %s)",
    async (withEdge) => {
      const test = await open({ withEdge });
      const server = withEdge ? test.edge : test.api;
      server.react = () => ({ status: 401, json: { errors: [{ message: "Invalid API key" }] } });
      test.upstream.start();
      await test.passTimeUntilSettled(server.untilSeen(3));
      server.react = () => ({ json: { data: { sdkConfiguration: {} } } });
      while (!test.logger.lines.some(({ message }) => message.includes("is reached now"))) {
        await new Promise((resolve) => setImmediate(resolve));
        test.clock.advance(20);
      }
      expect(test.logger.lines.map(({ level }) => level)).toEqual(["error", "error"]);
      expect(test.telemetry.initializationErrors).toBe(test.telemetry.invalidApiKeyErrors);
      expect(test.telemetry.initializationErrors).toBe(server.seen.length - 1);
    },
  );

  it("that is stopped asks no more", async () => {
    const test = await open();
    await test.edge.stop();
    test.upstream.start();
    while (test.telemetry.initializationErrors === 0) await new Promise((resolve) => setImmediate(resolve));
    test.upstream.close();
    expect(test.clock.pendingTimers).toBe(0);
  });
});

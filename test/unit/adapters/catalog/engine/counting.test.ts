import { describe, expect, it } from "@jest/globals";
import type { CustomerInput, PlanInput } from "../../../../../src/adapters/catalog/file/catalog-input.js";
import { CodedError } from "../../../../../src/domain/errors.js";
import type { UsageUpdateBehavior } from "../../../../../src/domain/usage/usage-report.js";
import {
  ACME,
  answerOf,
  catalogOf,
  NOON,
  open,
  type OpenedCatalog,
  usageEvent,
  usageReport,
} from "../../../../builders/catalog-use.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function used({ engine }: OpenedCatalog, featureId: string, subject = ACME): number {
  return engine.stateOf(subject).featureUsage(featureId).currentUsage;
}

function left({ engine }: OpenedCatalog, currencyId = "ink", subject = ACME): number {
  const state = engine.stateOf(subject);
  return (state.credit(currencyId)?.usageLimit ?? 0) - state.creditUsage(currencyId).currentUsage;
}

async function refusalOf(report: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await report.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CodedError);
  const { code, message } = error as CodedError;
  return { code, message };
}

describe("reported usage", () => {
  it.each<[string, readonly [UsageUpdateBehavior, number][], number]>([
    [
      "adds up",
      [
        ["DELTA", 2],
        ["DELTA", 3],
      ],
      15,
    ],
    [
      "is set",
      [
        ["DELTA", 2],
        ["SET", 7],
      ],
      7,
    ],
    ["is given back", [["DELTA", -4]], 6],
    [
      "never goes below none",
      [
        ["DELTA", -40],
        ["DELTA", 1],
      ],
      1,
    ],
    [
      "has no dust of binary fractions",
      [
        ["SET", 0.1],
        ["DELTA", 0.2],
      ],
      0.3,
    ],
    [
      "keeps whole numbers whole",
      [
        ["SET", 2 ** 53 - 2],
        ["DELTA", 1],
      ],
      2 ** 53 - 1,
    ],
  ])("%s", async (_what, reports, sum) => {
    const opened = await open(catalogOf({ entitlements: { seats: 100 } }, { usage: { seats: 10 } }));
    for (const [updateBehavior, value] of reports)
      await opened.engine.reportUsage([usageReport(ACME, "seats", value, { updateBehavior })]);
    expect(used(opened, "seats")).toBe(sum);
  });

  it("is known to the next check at once, and measured with its period", async () => {
    const opened = await open(catalogOf({ entitlements: { calls: { limit: 5, resetPeriod: "DAY" } } }));
    const measured = opened.engine.reportUsage([usageReport(ACME, "calls", 5)]);
    expect(answerOf(opened, "calls", ACME, 1)).toBe("RequestedUsageExceedingLimit");
    const [measurement] = await measured;
    const midnight = Date.UTC(2026, 4, 20);
    expect(measurement).toMatchObject({
      subject: ACME,
      featureId: "calls",
      currentUsage: 5,
      periodStart: midnight,
      periodEnd: midnight + DAY_MS,
    });
    expect(measurement?.measurementId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  it("begins anew with each period", async () => {
    const opened = await open(
      catalogOf({ entitlements: { calls: { limit: 5, resetPeriod: "DAY" } } }, { usage: { calls: 4 } }),
    );
    opened.clock.advance(DAY_MS);
    expect(used(opened, "calls")).toBe(0);
    await opened.engine.reportUsage([usageReport(ACME, "calls", 2)]);
    expect(used(opened, "calls")).toBe(2);
  });

  it.each<[string, UsageUpdateBehavior, number, number]>([
    ["of now counts now", "DELTA", 0, 5],
    ["of earlier in the period counts now", "DELTA", -12 * HOUR_MS, 5],
    ["of the period before counts then, not now", "DELTA", -12 * HOUR_MS - 1, 4],
    ["cannot be set for the period before", "SET", -DAY_MS, 4],
    ["of the future counts now", "DELTA", 400 * DAY_MS, 5],
  ])("%s", async (_what, updateBehavior, ago, sum) => {
    const opened = await open(
      catalogOf({ entitlements: { calls: { limit: 5, resetPeriod: "DAY" } } }, { usage: { calls: 4 } }),
    );
    const [measurement] = await opened.engine.reportUsage([
      usageReport(ACME, "calls", 1, { updateBehavior, timestamp: NOON + ago }),
    ]);
    expect([used(opened, "calls"), measurement?.currentUsage]).toEqual([sum, sum]);
  });

  it("is kept where a plan no longer entitles to it, and counts again when it does", async () => {
    const entitled = catalogOf({ entitlements: { calls: 5 } }, { usage: { calls: 3 } });
    const opened = await open(entitled);
    opened.engine.replace(catalogOf({}, { usage: { calls: 3 } }));
    await opened.engine.reportUsage([usageReport(ACME, "calls", 1)]);
    opened.engine.replace({ ...entitled, customers: [] });
    opened.engine.replace(entitled);
    expect(used(opened, "calls")).toBe(4);
  });

  it("goes on from the number in the catalog, until that number is another", async () => {
    const catalog = (calls: number) => catalogOf({ entitlements: { calls: 50 } }, { usage: { calls } });
    const opened = await open(catalog(10));
    await opened.engine.reportUsage([usageReport(ACME, "calls", 5)]);
    opened.engine.replace(catalog(10));
    expect(used(opened, "calls")).toBe(15);
    opened.engine.replace(catalog(20));
    expect(used(opened, "calls")).toBe(20);
  });

  it("of a resource is its own", async () => {
    const opened = await open(catalogOf({ entitlements: { seats: 5 } }, { resources: [{ id: "r", plan: "pro" }] }));
    await opened.engine.reportUsage([usageReport({ customerId: "acme", resourceId: "r" }, "seats", 2)]);
    expect([used(opened, "seats"), used(opened, "seats", { customerId: "acme", resourceId: "r" })]).toEqual([0, 2]);
  });

  it.each([
    [
      "a customer that is not there",
      usageReport({ customerId: "x" }, "calls", 1),
      "not-found",
      /there is no customer "x" in the catalog; add it/,
    ],
    [
      "a resource that is not there",
      usageReport({ customerId: "acme", resourceId: "x" }, "calls", 1),
      "not-found",
      /customer "acme" has no resource "x"/,
    ],
    [
      "a feature that is not there",
      usageReport(ACME, "call", 1),
      "not-found",
      /there is no feature "call"; there is "calls"/,
    ],
    [
      "an archived customer",
      usageReport({ customerId: "old" }, "calls", 1),
      "failed-precondition",
      /customer "old" is archived/,
    ],
    [
      "a switch",
      usageReport(ACME, "sso", 1),
      "invalid-argument",
      /boolean feature "sso" cannot be counted; report usage of a metered feature/,
    ],
    [
      "a configured number",
      usageReport(ACME, "days", 1),
      "invalid-argument",
      /numeric feature "days" cannot be counted/,
    ],
    [
      "a set of values",
      usageReport(ACME, "formats", 1),
      "invalid-argument",
      /enum feature "formats" cannot be counted/,
    ],
    [
      "no number",
      usageReport(ACME, "calls", NaN),
      "invalid-argument",
      /the value of "calls" has to be a finite number, not NaN/,
    ],
    [
      "less than nothing",
      usageReport(ACME, "calls", -1, { updateBehavior: "SET" }),
      "invalid-argument",
      /cannot be set to -1; set it to 0 or more/,
    ],
    [
      "no time",
      usageReport(ACME, "calls", 1, { timestamp: Infinity }),
      "invalid-argument",
      /the time of usage of "calls" is not a date/,
    ],
    [
      "more than is exact",
      usageReport(ACME, "calls", 2 ** 53 + 2),
      "invalid-argument",
      /the value of "calls" is 9007199254740994, and amounts beyond 9007199254740991 cannot be kept exactly; report in a larger unit/,
    ],
    [
      "what may have been more before it was read",
      usageReport(ACME, "calls", 2 ** 53),
      "invalid-argument",
      /the value of "calls" is 9007199254740992, and amounts beyond 9007199254740991 cannot be kept exactly/,
    ],
    [
      "one more than is exact in all",
      usageReport(ACME, "seats", 1),
      "invalid-argument",
      /usage of "seats" would be 9007199254740992, and totals beyond 9007199254740991 cannot be kept exactly/,
    ],
    [
      "more than is exact in all",
      usageReport(ACME, "seats", 3),
      "invalid-argument",
      /usage of "seats" would be 9007199254740994, and totals beyond 9007199254740991 cannot be kept exactly; it is not counted/,
    ],
    [
      "less than is exact",
      usageReport(ACME, "calls", -(2 ** 53) - 2),
      "invalid-argument",
      /the value of "calls" is -9007199254740994/,
    ],
  ])("of %s is refused", async (_what, report, code, message) => {
    const catalog = catalogOf(
      { entitlements: { sso: true, days: 1, formats: [], calls: 1, seats: 1 } },
      { usage: { seats: 2 ** 53 - 1 } },
    );
    const { engine } = await open({ ...catalog, customers: [...catalog.customers, { id: "old", archived: true }] });
    const refusal = await refusalOf(engine.reportUsage([report]));
    expect(refusal).toEqual({ code, message: expect.stringMatching(message) as unknown as string });
  });

  it("in bulk is counted whole or not at all, and says which report is at fault", async () => {
    const opened = await open(catalogOf({ entitlements: { calls: 9, seats: 9 } }));
    const reports = [usageReport(ACME, "calls", 1), usageReport(ACME, "seats", 2), usageReport(ACME, "nothing", 3)];
    const refusal = await refusalOf(opened.engine.reportUsage(reports));
    expect(refusal.message).toMatch(/^report 3 of 3, and so none was counted: there is no feature "nothing"/);
    expect([used(opened, "calls"), used(opened, "seats")]).toEqual([0, 0]);
    const measurements = await opened.engine.reportUsage([...reports.slice(0, 2), usageReport(ACME, "calls", 4)]);
    expect(measurements.map(({ currentUsage }) => currentUsage)).toEqual([5, 2, 5]);
  });
});

describe("an idempotency key", () => {
  const catalog = catalogOf(
    { entitlements: { calls: 9, seats: 9, words: 100 } },
    { resources: [{ id: "r", plan: "pro" }] },
  );
  const key = { idempotencyKey: "once" };

  it("counts once, and measures the same again", async () => {
    const opened = await open(catalog);
    const report = usageReport(ACME, "calls", 2, key);
    const first = await opened.engine.reportUsage([report]);
    opened.clock.advance(5_000);
    expect(await opened.engine.reportUsage([report])).toEqual(first);
    expect(await opened.engine.reportUsage([report, report])).toEqual([...first, ...first]);
    expect(used(opened, "calls")).toBe(2);
  });

  it("measures as it did then, also after more was counted, and where the customer is no longer there", async () => {
    const opened = await open(
      catalogOf({
        entitlements: { calls: { limit: 9, resetPeriod: "DAY", creditRate: { currency: "ink", amount: 2 } } },
      }),
    );
    const report = usageReport(ACME, "calls", 2, key);
    const first = await opened.engine.reportUsage([report]);
    await opened.engine.reportUsage([usageReport(ACME, "calls", 5)]);
    opened.clock.advance(40 * 3_600_000);
    expect(await opened.engine.reportUsage([report])).toEqual(first);
    opened.engine.replace({ ...catalogOf({}), customers: [] });
    expect(await opened.engine.reportUsage([report])).toEqual(first);
  });

  it.each([
    ["another value", { value: 3 }],
    ["another behavior", { updateBehavior: "SET" as const }],
    ["other dimensions", { dimensions: new Map([["region", "eu"]]) }],
  ])("of a report with %s is refused, and the bulk with it", async (_what, other) => {
    const opened = await open(catalog);
    const report = usageReport(ACME, "calls", 2, key);
    await opened.engine.reportUsage([report]);
    const refusal = await refusalOf(
      opened.engine.reportUsage([usageReport(ACME, "calls", 1), { ...report, ...other }]),
    );
    expect(refusal.code).toBe("failed-precondition");
    expect(refusal.message).toMatch(
      /^report 2 of 2, and so none was counted: usage of "calls" was reported before under the idempotency key "once" and said something else; that one counts and this one does not: send it under a key of its own/,
    );
    expect(used(opened, "calls")).toBe(2);
  });

  it("of an event with other dimensions is refused", async () => {
    const opened = await open(catalog);
    await opened.engine.reportEvents([usageEvent(ACME, "call", { region: "eu", size: 1 }, key)]);
    await opened.engine.reportEvents([
      usageEvent(ACME, "call", { size: 1, region: "eu" }, { ...key, timestamp: NOON - 1 }),
    ]);
    expect((await refusalOf(opened.engine.reportEvents([usageEvent(ACME, "call", { region: "us" }, key)]))).code).toBe(
      "failed-precondition",
    );
    expect(used(opened, "calls")).toBe(1);
  });

  it("that was made up is not remembered: it never comes again", async () => {
    const opened = await open(catalog);
    const report = { ...usageReport(ACME, "calls", 2, key), keyOrigin: "generated" as const };
    await opened.engine.reportUsage([report]);
    await opened.engine.reportUsage([report]);
    expect(used(opened, "calls")).toBe(4);
  });

  it("counts once within one bulk", async () => {
    const opened = await open(catalog);
    await opened.engine.reportUsage([usageReport(ACME, "calls", 2, key), usageReport(ACME, "calls", 2, key)]);
    expect(used(opened, "calls")).toBe(2);
  });

  it("of a report that was refused is not used up", async () => {
    const opened = await open(catalog);
    await refusalOf(opened.engine.reportUsage([usageReport(ACME, "calls", NaN, key)]));
    await opened.engine.reportUsage([usageReport(ACME, "calls", 2, key)]);
    expect(used(opened, "calls")).toBe(2);
  });

  it("of another subject, feature or event is another key", async () => {
    const opened = await open(catalog);
    const resource = { customerId: "acme", resourceId: "r" };
    await opened.engine.reportUsage([
      usageReport(ACME, "calls", 1, key),
      usageReport(ACME, "seats", 1, key),
      usageReport(resource, "calls", 1, key),
    ]);
    await opened.engine.reportEvents([
      usageEvent(ACME, "call", {}, key),
      usageEvent(ACME, "completion", { words: 4 }, key),
    ]);
    await opened.engine.reportEvents([usageEvent(ACME, "call", {}, key)]);
    expect([
      used(opened, "calls"),
      used(opened, "seats"),
      used(opened, "words"),
      used(opened, "calls", resource),
    ]).toEqual([2, 1, 4, 1]);
  });
});

describe("events", () => {
  const catalog = catalogOf({ entitlements: { calls: 9, words: 1000, "paid-words": 1000 } });

  it.each<[string, Parameters<typeof usageEvent>[2], [number, number, number]]>([
    ["call", {}, [1, 0, 0]],
    ["call", { words: "whatever" }, [1, 0, 0]],
    ["completion", { words: 30 }, [0, 30, 0]],
    ["completion", { words: 30, paid: true }, [0, 30, 30]],
    ["completion", { words: 30, paid: "true" }, [0, 30, 0]],
    ["completion", { words: 1.5 }, [0, 1.5, 0]],
    ["sign-in", { words: 30 }, [0, 0, 0]],
    ["Call", {}, [0, 0, 0]],
  ])("%s with %j go through every meter that they match", async (eventName, dimensions, [calls, words, paidWords]) => {
    const opened = await open(catalog);
    await opened.engine.reportEvents([usageEvent(ACME, eventName, dimensions)]);
    expect([used(opened, "calls"), used(opened, "words"), used(opened, "paid-words")]).toEqual([
      calls,
      words,
      paidWords,
    ]);
  });

  it.each([
    [
      "a sum without its dimension",
      usageEvent(ACME, "completion"),
      "invalid-argument",
      /feature "words" sums dimension "words" of event "completion", which is missing; send a number, or narrow/,
    ],
    [
      "a sum of what is no number",
      usageEvent(ACME, "completion", { words: "30" }),
      "invalid-argument",
      /which is "30"/,
    ],
    [
      "a customer that is not there",
      usageEvent({ customerId: "x" }, "sign-in"),
      "not-found",
      /there is no customer "x"/,
    ],
  ])("%s are refused, and all that came with them", async (_what, event, code, message) => {
    const opened = await open(catalog);
    const refusal = await refusalOf(opened.engine.reportEvents([usageEvent(ACME, "call"), event]));
    expect(refusal).toEqual({ code, message: expect.stringMatching(message) as unknown as string });
    expect(refusal.message).toMatch(/^event 2 of 2, and so none was counted/);
    expect(used(opened, "calls")).toBe(0);
  });
});

describe("events that no meter names", () => {
  it("are accepted, counted by name, and logged once a name", async () => {
    const opened = await open(catalogOf({ entitlements: { calls: 9 } }));
    await opened.engine.reportEvents([usageEvent(ACME, "call"), usageEvent(ACME, "cal"), usageEvent(ACME, "cal")]);
    await opened.engine.reportEvents([usageEvent(ACME, "cal"), usageEvent(ACME, "Call")]);
    expect([...opened.engine.unmatchedEvents]).toEqual([
      ["cal", 3],
      ["Call", 1],
    ]);
    const warnings = opened.logger.lines.filter(({ level }) => level === "warn");
    expect(warnings.map(({ message, fields }) => [message, fields])).toEqual(
      ["cal", "Call"].map((eventName) => [
        "an event that no meter of the catalog names is not counted as usage; add a meter, or stop sending it",
        { eventName },
      ]),
    );
  });

  it("are not counted twice, nor where they are refused with others", async () => {
    const opened = await open(catalogOf({ entitlements: { calls: 9 } }));
    const event = usageEvent(ACME, "cal");
    await opened.engine.reportEvents([event]);
    await opened.engine.reportEvents([event]);
    await refusalOf(
      opened.engine.reportEvents([usageEvent(ACME, "other"), usageEvent({ customerId: "nobody" }, "call")]),
    );
    expect([...opened.engine.unmatchedEvents]).toEqual([["cal", 1]]);
  });
});

describe("credits", () => {
  const rate = (amount: number) => ({ creditRate: { currency: "ink", amount } });
  const withInk = (
    amount: number,
    entitlements: Required<PlanInput>["entitlements"],
    more: Omit<CustomerInput, "id"> = {},
  ) => catalogOf({ entitlements }, { creditGrants: [{ currency: "ink", amount }], ...more });

  it("are drawn by what usage costs, and measured with it", async () => {
    const opened = await open(withInk(100, { calls: rate(3) }));
    const [measurement] = await opened.engine.reportUsage([usageReport(ACME, "calls", 5)]);
    expect(measurement?.credit).toMatchObject({ currencyId: "ink", currentUsage: 15 });
    expect(left(opened)).toBe(85);
  });

  it.each<[string, readonly [UsageUpdateBehavior, number][], number]>([
    [
      "by the difference when usage is set",
      [
        ["DELTA", 5],
        ["SET", 8],
        ["SET", 2],
      ],
      94,
    ],
    [
      "back when usage is given back",
      [
        ["DELTA", 5],
        ["DELTA", -2],
      ],
      91,
    ],
    [
      "back no more than was used",
      [
        ["DELTA", 5],
        ["DELTA", -50],
      ],
      100,
    ],
    ["into debt when usage is reported all the same", [["DELTA", 50]], -50],
  ])("are drawn %s", async (_what, reports, rest) => {
    const opened = await open(withInk(100, { calls: rate(3) }));
    for (const [updateBehavior, value] of reports)
      await opened.engine.reportUsage([usageReport(ACME, "calls", value, { updateBehavior })]);
    expect(left(opened)).toBe(rest);
  });

  it("are drawn by events, and for usage of a period that is over", async () => {
    const opened = await open(withInk(100, { calls: { ...rate(3), resetPeriod: "DAY" } }));
    await opened.engine.reportEvents([
      usageEvent(ACME, "call"),
      usageEvent(ACME, "call", {}, { timestamp: NOON - 2 * DAY_MS }),
    ]);
    expect([used(opened, "calls"), left(opened)]).toEqual([1, 94]);
  });

  it("are given back of a period that is over only as far as they were used in it", async () => {
    const opened = await open(withInk(100, { calls: { ...rate(3), resetPeriod: "DAY" } }));
    const before = NOON - 2 * DAY_MS;
    await opened.engine.reportUsage([usageReport(ACME, "calls", 10)]);
    await opened.engine.reportUsage([usageReport(ACME, "calls", 5, { timestamp: before })]);
    expect(left(opened)).toBe(55);
    await opened.engine.reportUsage([usageReport(ACME, "calls", -20, { timestamp: before })]);
    expect([used(opened, "calls"), left(opened)]).toEqual([10, 70]);
    await opened.engine.reportUsage([usageReport(ACME, "calls", -20, { timestamp: NOON - 3 * DAY_MS })]);
    expect([used(opened, "calls"), left(opened)]).toEqual([10, 70]);
  });

  it("are drawn by a switch that costs them", async () => {
    const opened = await open(withInk(100, { sso: rate(40) }));
    await opened.engine.reportUsage([usageReport(ACME, "sso", 2)]);
    expect([left(opened), answerOf(opened, "sso"), answerOf(opened, "sso", ACME, 1)]).toEqual([
      20,
      "granted",
      "InsufficientCredits",
    ]);
  });

  it("that end sooner are drawn first, and what was drawn of them ends with them", async () => {
    const creditGrants = [
      { id: "lasts", currency: "ink", amount: 50 },
      { id: "ends", currency: "ink", amount: 30, expiresAt: NOON + DAY_MS },
    ];
    const opened = await open(withInk(0, { calls: rate(1) }, { creditGrants }));
    await opened.engine.reportUsage([usageReport(ACME, "calls", 20)]);
    expect(left(opened)).toBe(60);
    opened.clock.advance(DAY_MS);
    expect(left(opened)).toBe(50);
  });

  it("are given back to what lasts longest", async () => {
    const creditGrants = [
      { id: "lasts", currency: "ink", amount: 50 },
      { id: "ends", currency: "ink", amount: 30, expiresAt: NOON + DAY_MS },
    ];
    const opened = await open(withInk(0, { calls: rate(1) }, { creditGrants }));
    await opened.engine.reportUsage([usageReport(ACME, "calls", 40), usageReport(ACME, "calls", -5)]);
    expect(left(opened)).toBe(45);
    opened.clock.advance(DAY_MS);
    expect(left(opened)).toBe(45);
  });

  it("of a debt are paid by the next that come", async () => {
    const opened = await open(withInk(10, { calls: rate(1) }));
    await opened.engine.reportUsage([usageReport(ACME, "calls", 25)]);
    opened.engine.replace(
      withInk(
        10,
        { calls: rate(1) },
        {
          creditGrants: [
            { currency: "ink", amount: 10 },
            { currency: "ink", amount: 20 },
          ],
        },
      ),
    );
    expect(left(opened)).toBe(5);
    await opened.engine.reportUsage([usageReport(ACME, "calls", 1)]);
    expect(left(opened)).toBe(4);
  });

  it("that a plan includes come anew with each period, whatever was left", async () => {
    const plan: Omit<PlanInput, "id"> = {
      entitlements: { calls: rate(1) },
      includedCredits: [{ currency: "ink", amount: 10, resetPeriod: "DAY" }],
    };
    const opened = await open(catalogOf(plan));
    await opened.engine.reportUsage([usageReport(ACME, "calls", 4)]);
    expect([left(opened), opened.engine.stateOf(ACME).creditUsage("ink").periodEnd]).toEqual([
      6,
      Date.UTC(2026, 4, 21),
    ]);
    opened.clock.advance(DAY_MS);
    expect(left(opened)).toBe(10);
  });

  it("that were used before are stated in the catalog", async () => {
    const opened = await open(withInk(100, {}, { creditsUsed: { ink: 30 } }));
    expect(left(opened)).toBe(70);
  });

  it("are reported to everyone who sees the wallet", async () => {
    const resources = [
      { id: "r", plan: "pro" },
      { id: "own", plan: "pro", creditGrants: [{ currency: "ink", amount: 1 }] },
    ];
    const { engine } = await open(withInk(100, { calls: rate(1) }, { resources }));
    const received: string[] = [];
    engine.subscribe((change) => {
      if (change.type === "usage-updated")
        received.push(`${change.subject.resourceId ?? "acme"} ${change.entitlement.id} ${change.usage.currentUsage}`);
    });
    await engine.reportUsage([usageReport({ customerId: "acme", resourceId: "r" }, "calls", 7)]);
    expect(received).toEqual(["r calls 7", "acme ink 7", "r ink 7"]);
  });
});

describe("the timestamps of changes", () => {
  it("are later for each report of one feature and each draw from one wallet, also within a millisecond", async () => {
    const { engine } = await open(
      catalogOf({ entitlements: { calls: { creditRate: { currency: "ink", amount: 1 } } } }),
    );
    const times: unknown[] = [];
    for (let count = 0; count < 3; count++) {
      const [measurement] = await engine.reportUsage([usageReport(ACME, "calls", 1)]);
      times.push([measurement?.updatedAt, measurement?.credit?.updatedAt]);
    }
    expect(times).toEqual([1, 2, 3].map((later) => [NOON + later, NOON + later]));
  });

  it("keep a late measurement from undoing an edit", async () => {
    const catalog = (calls: number) => catalogOf({ entitlements: { calls: 90 } }, { usage: { calls } });
    const { engine } = await open(catalog(1));
    const [measurement] = await engine.reportUsage([usageReport(ACME, "calls", 1)]);
    engine.replace(catalog(50));
    const edited = engine.stateOf(ACME).featureUsage("calls").updatedAt;
    expect(edited).toBeGreaterThan(measurement?.updatedAt ?? Infinity);
  });
});

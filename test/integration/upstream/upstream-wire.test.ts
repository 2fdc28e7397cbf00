import { afterEach, describe, expect, it } from "@jest/globals";
import type { Subject } from "../../../src/domain/subject.js";
import { contentsOf } from "../../builders/states.js";
import { patient, stateAnswer, upstreamUnderTest, usageReport } from "./upstream-under-test.js";

type UnderTest = Awaited<ReturnType<typeof upstreamUnderTest>>;
const opened: UnderTest[] = [];

async function open(...options: Parameters<typeof upstreamUnderTest>): Promise<UnderTest> {
  const test = await upstreamUnderTest(...options);
  opened.push(test);
  return test;
}

afterEach(() => Promise.all(opened.splice(0).map((test) => test.close())));

const fetchIn = ({ upstream }: UnderTest, subject: Subject, latest = false) =>
  upstream.fetchState(subject, { signal: patient(), latest });

describe("Edge", () => {
  it("is asked by path, with who asks", async () => {
    const test = await open();
    test.edge.react = () => stateAnswer();
    const state = await fetchIn(test, { customerId: "c" });
    expect(state?.feature("sso")?.kind).toBe("boolean");
    expect(test.edge.seen).toEqual([
      {
        method: "GET",
        path: "/v1/c/c/entitlements-state.json",
        body: undefined,
        headers: expect.objectContaining({
          "x-api-key": "server-key",
          "x-api-version": "1",
          source: "TEST",
          "x-sdk-instance-id": "1234",
          "x-sdk-os-process-id": String(process.pid),
          "x-sdk-os-process-timestamp": "1970-01-01T00:00:00.000Z",
          "x-sdk-os-process-hostname": expect.stringMatching(/./),
        }),
      },
    ]);
    expect(test.api.seen).toEqual([]);
  });

  it.each<[Subject, string]>([
    [{ customerId: "a/b" }, "/v1/c/a%2Fb/entitlements-state.json"],
    [{ customerId: "a?b#c" }, "/v1/c/a%3Fb%23c/entitlements-state.json"],
    [{ customerId: "ü 1%" }, "/v1/c/%C3%BC%201%25/entitlements-state.json"],
    [{ customerId: "c", resourceId: "r&x=1" }, "/v1/c/c/entitlements-state.json?resourceId=r%26x%3D1"],
    [{ customerId: "c", resourceId: "r 1" }, "/v1/c/c/entitlements-state.json?resourceId=r%201"],
  ])("is asked for %j with its ids encoded", async (subject, path) => {
    const test = await open();
    test.edge.react = () => stateAnswer();
    await fetchIn(test, subject);
    expect(test.edge.seen.map((request) => request.path)).toEqual([path]);
  });

  it.each([["."], [".."], ["\ud800"]])(
    "is not asked for customer %j, who has no path: the API is",
    async (customerId) => {
      const test = await open();
      test.api.react = () => stateAnswer();
      await fetchIn(test, { customerId });
      expect([test.edge.seen.length, test.api.seen.length]).toEqual([0, 1]);
    },
  );

  it.each([
    ["user:p%40ss%3A", "user:p@ss:"],
    ["user", "user:"],
    ["100%:x", "100%:x"],
  ])("is asked with the credentials %s of its URL, and so is the API", async (credentials, sent) => {
    const test = await open({ credentials });
    test.edge.react = () => stateAnswer();
    test.api.react = () => stateAnswer();
    await fetchIn(test, { customerId: "c" });
    await fetchIn(test, { customerId: "c" }, true);
    const authorization = `Basic ${Buffer.from(sent).toString("base64")}`;
    expect([...test.edge.seen, ...test.api.seen].map(({ headers }) => headers.authorization)).toEqual([
      authorization,
      authorization,
    ]);
  });

  it("is asked over connections that are kept", async () => {
    const test = await open();
    test.edge.react = () => stateAnswer();
    for (let i = 0; i < 20; i++) await fetchIn(test, { customerId: `c${i}` });
    expect(test.edge.connections).toBe(1);
  });
});

describe("the API", () => {
  it("is asked for what has to be the latest, past Edge", async () => {
    const test = await open();
    test.api.react = () => stateAnswer();
    await fetchIn(test, { customerId: "c", resourceId: "r" }, true);
    expect(test.edge.seen).toEqual([]);
    expect(test.api.seen).toMatchObject([
      {
        method: "POST",
        path: "/graphql",
        headers: {
          "x-graphql-operation-name": "GetEntitlementsState",
          "x-api-key": "server-key",
          "content-type": "application/json",
        },
        body: { operationName: "GetEntitlementsState", variables: { query: { customerId: "c", resourceId: "r" } } },
      },
    ]);
  });

  it("is asked for all where there is no Edge", async () => {
    const test = await open({ withEdge: false });
    test.api.react = () => stateAnswer();
    expect((await fetchIn(test, { customerId: "c" }))?.featureCount).toBe(1);
  });

  it("takes reports as they are, with their idempotency key", async () => {
    const test = await open();
    test.api.react = () => ({
      json: {
        data: {
          reportUsage: {
            id: "m1",
            customerId: "c",
            resourceId: "r",
            featureId: "seats",
            currentUsage: 12,
            usagePeriodStart: "2026-01-01T00:00:00.000Z",
            usagePeriodEnd: 1_769_904_000_000,
            timestamp: "2026-01-02T00:00:00.000Z",
            credit: {
              currencyId: "credits",
              currentUsage: 40,
              usagePeriodEnd: null,
              timestamp: "2026-01-02T00:00:00.000Z",
            },
          },
        },
      },
    });
    const measurement = await test.upstream.reportUsage(
      usageReport({
        subject: { customerId: "c", resourceId: "r" },
        value: -2.5,
        updateBehavior: "SET",
        dimensions: new Map<string, string | number>([
          ["region", "eu"],
          ["size", 3],
        ]),
        timestamp: 0,
      }),
      { signal: patient() },
    );
    expect(test.api.seen[0]?.body).toMatchObject({
      operationName: "ReportUsage",
      variables: {
        input: {
          customerId: "c",
          resourceId: "r",
          featureId: "seats",
          value: -2.5,
          updateBehavior: "SET",
          createdAt: "1970-01-01T00:00:00.000Z",
          dimensions: { region: "eu", size: 3 },
          idempotencyKey: "key-1",
        },
      },
    });
    expect(measurement).toEqual({
      measurementId: "m1",
      subject: { customerId: "c", resourceId: "r" },
      featureId: "seats",
      currentUsage: 12,
      periodStart: Date.UTC(2026, 0, 1),
      periodEnd: 1_769_904_000_000,
      updatedAt: Date.UTC(2026, 0, 2),
      credit: { currencyId: "credits", currentUsage: 40, periodEnd: undefined, updatedAt: Date.UTC(2026, 0, 2) },
    });
  });

  it("takes many reports at once, and answers each", async () => {
    const test = await open();
    test.api.react = () => ({
      json: {
        data: {
          reportUsageBulk: [
            { id: "m1", featureId: "a", currentUsage: 1 },
            { id: "m2", featureId: "b", currentUsage: 2 },
          ],
        },
      },
    });
    const reports = ["a", "b"].map((featureId) => usageReport({ featureId, idempotencyKey: `key-${featureId}` }));
    const measurements = await test.upstream.reportUsageBulk(reports, { signal: patient() });
    expect(
      measurements.map(({ measurementId, featureId, currentUsage }) => [measurementId, featureId, currentUsage]),
    ).toEqual([
      ["m1", "a", 1],
      ["m2", "b", 2],
    ]);
    expect(test.api.seen[0]?.body?.variables).toMatchObject({
      input: {
        usages: [
          { featureId: "a", idempotencyKey: "key-a" },
          { featureId: "b", idempotencyKey: "key-b" },
        ],
      },
    });
  });

  it("takes events", async () => {
    const test = await open();
    test.api.react = () => ({ json: { data: { reportEvent: "ok" } } });
    await test.upstream.reportEvents(
      [
        {
          eventName: "login",
          subject: { customerId: "c" },
          idempotencyKey: "key-1",
          dimensions: new Map([["ok", true]]),
          timestamp: undefined,
        },
      ],
      { signal: patient() },
    );
    expect(test.api.seen[0]?.body).toMatchObject({
      operationName: "ReportEvent",
      variables: {
        input: {
          usageEvents: [{ eventName: "login", customerId: "c", idempotencyKey: "key-1", dimensions: { ok: true } }],
        },
      },
    });
  });
});

describe("what upstream does not know is knowledge", () => {
  const unknown = { errors: [{ message: "no such customer", extensions: { code: "CustomerNotFound" } }] };
  it.each<[string, object]>([
    [
      "a reason",
      { json: { data: { entitlementsState: { entitlementsV2: [], accessDeniedReason: "CustomerNotFound" } } } },
    ],
    ["an error beside HTTP 200", { json: unknown }],
    ["an error with HTTP 404", { status: 404, json: unknown }],
  ])("told by %s", async (_, reaction) => {
    for (const latest of [false, true]) {
      const test = await open();
      test.edge.react = test.api.react = () => reaction as never;
      const state = await fetchIn(test, { customerId: "nobody" }, latest);
      expect(state === undefined ? undefined : contentsOf(state)).toMatchObject({
        accessDeniedReason: "CustomerNotFound",
        featureCount: 0,
      });
      expect(test.telemetry.networkRequestErrors).toBe(0);
    }
  });
});

describe("a part of an answer that cannot be used", () => {
  it("costs that part, is counted each time and logged once", async () => {
    const test = await open();
    const good = stateAnswer().json.data.entitlementsState.entitlementsV2[0];
    test.edge.react = () => ({ json: { data: { entitlementsState: { entitlementsV2: [{ feature: null }, good] } } } });
    for (let i = 0; i < 3; i++) expect((await fetchIn(test, { customerId: `c${i}` }))?.featureCount).toBe(1);
    expect(test.telemetry.malformedUpstreamData).toBe(3);
    expect(test.logger.lines.map(({ level }) => level)).toEqual(["warn"]);
  });

  it.each<[string, unknown]>([
    ["no id", { currentUsage: 3 }],
    ["a usage that is none", { id: "m", currentUsage: "three" }],
    ["another feature", { id: "m", featureId: "other", currentUsage: 3 }],
    ["another customer", { id: "m", customerId: "other", currentUsage: 3 }],
    ["nothing at all in it", {}],
  ])(
    "never makes a counted report fail: an answer with %s is a report whose usage is not known",
    async (_, reportUsage) => {
      const test = await open();
      test.api.react = () => ({ json: { data: { reportUsage } } });
      const measurement = await test.upstream.reportUsage(usageReport(), { signal: patient() });
      expect(measurement).toMatchObject({ subject: { customerId: "c" }, featureId: "seats", currentUsage: undefined });
      expect(test.telemetry.malformedUpstreamData).toBe(1);
    },
  );

  it("a list of measurements of another length says of none whose it is", async () => {
    const test = await open();
    test.api.react = () => ({ json: { data: { reportUsageBulk: [{ id: "m", currentUsage: 3 }] } } });
    const measurements = await test.upstream.reportUsageBulk([usageReport(), usageReport({ featureId: "b" })], {
      signal: patient(),
    });
    expect(measurements.map(({ currentUsage }) => currentUsage)).toEqual([undefined, undefined]);
  });

  it("tells which of a bulk an answer does not confirm", async () => {
    const test = await open();
    const reports = ["a", "b"].map((featureId) => usageReport({ featureId }));
    const confirmed = async (list: readonly unknown[]) => {
      test.api.react = () => ({ json: { data: { reportUsageBulk: list } } });
      const measurements = await test.upstream.reportUsageBulk(reports, { signal: patient() });
      return measurements.map(({ isConfirmed = true }) => isConfirmed);
    };
    expect(await confirmed([{ id: "m1", featureId: "a" }, null])).toEqual([true, false]);
    expect(await confirmed([{ unreadable: true }, { id: "m2", featureId: "b" }])).toEqual([true, true]);
    expect(await confirmed([{ id: "m1", featureId: "a" }])).toEqual([false, false]);
  });

  it.each([
    ["beside data", { reportUsageBulk: [{ id: "m1" }, null] }, true],
    ["without data", { reportUsageBulk: null }, undefined],
  ])("knows of a refusal %s whether parts of the bulk may count", async (_, data, mayCount) => {
    const test = await open();
    const errors = [{ message: "no such feature", extensions: { code: "FeatureNotFound" } }];
    test.api.react = () => ({ json: { data, errors } });
    const reports = [usageReport(), usageReport({ featureId: "b" })];
    await expect(test.upstream.reportUsageBulk(reports, { signal: patient() })).rejects.toMatchObject({
      code: "not-found",
      mayCount,
    });
  });

  it.each([[{ data: null }], [{ data: { reportUsage: null } }], [{}]])(
    "but %j does not say that anything was counted",
    async (json) => {
      const test = await open();
      test.api.react = () => ({ json });
      await expect(test.upstream.reportUsage(usageReport(), { signal: patient() })).rejects.toMatchObject({
        code: "internal",
      });
    },
  );
});

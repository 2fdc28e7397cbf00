import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { parse, validate } from "graphql";
import { VENDOR_SCHEMA } from "../../../src/adapters/emulator/graphql/vendor-schema.js";
import { SUBSCRIPTIONS } from "../../../src/adapters/stream/subscriptions.js";
import * as ownDocuments from "../../../src/adapters/upstream/client/graphql-documents.js";
import { ACCESS_DENIED_REASONS } from "../../../src/domain/decision/access-denied-reason.js";
import { inkwell } from "../../builders/inkwell.js";
import { emulateCatalog, type EmulatedCatalog } from "../../fakes/emulated-catalog.js";
import { postGraphql, WITHOUT_VALID_KEY } from "../../fixtures/raw-api.js";

let emulated: EmulatedCatalog;
let url: string;

beforeAll(async () => {
  emulated = await emulateCatalog(inkwell());
  ({ url } = emulated.emulator);
});

afterAll(() => emulated.stop());

describe("the schema", () => {
  const own = [...Object.values(ownDocuments), ...SUBSCRIPTIONS].map(({ name, document }): [string, string] => [
    name,
    document,
  ]);

  it.each(own)("has all that this project asks for in %s", (_, document) => {
    expect(validate(VENDOR_SCHEMA, parse(document))).toEqual([]);
  });

  it("has a name for every reason to deny", () => {
    const type = VENDOR_SCHEMA.getType("AccessDeniedReason");
    const values = type !== undefined && "getValues" in type ? type.getValues().map(({ name }) => name) : [];
    expect(values.sort()).toEqual([...ACCESS_DENIED_REASONS].sort());
  });
});

describe("queries", () => {
  it("answer a state in both generations at once", async () => {
    const query = `query GetEntitlementsState($query: FetchEntitlementsQuery!) { entitlementsState(query: $query) {
      accessDeniedReason
      entitlementsV2 { __typename ... on FeatureEntitlement { feature { refId } } ... on CreditEntitlement { currency { currencyId } usageLimit } }
      entitlements { feature { refId } }
    } }`;
    const { json } = await postGraphql(url, query, { query: { customerId: "acme", resourceId: null } });
    const { accessDeniedReason, entitlementsV2, entitlements } = json.data.entitlementsState;
    expect(accessDeniedReason).toBeNull();
    expect(entitlementsV2).toContainEqual({
      __typename: "CreditEntitlement",
      currency: { currencyId: "ink" },
      usageLimit: 100,
    });
    expect(entitlementsV2).toHaveLength(7);
    expect(entitlements).toHaveLength(6);
  });

  it("answer older clients by an alias", async () => {
    const query =
      "query GetEntitlements($query: FetchEntitlementsQuery!) { entitlements: cachedEntitlements(query: $query) { currentUsage feature { refId } } }";
    const { json } = await postGraphql(url, query, { query: { customerId: "acme", resourceId: "site 1/eu+west?" } });
    expect(json.data.entitlements).toContainEqual({ currentUsage: 2, feature: { refId: "seats" } });
    expect((await postGraphql(url, query, { query: { customerId: "nobody" } })).json).toEqual({
      data: { entitlements: [] },
    });
  });

  it("tell that the key is valid", async () => {
    const { json } = await postGraphql(
      url,
      "query GetSdkConfiguration { sdkConfiguration { sentryDsn isWidgetWatermarkEnabled } }",
    );
    expect(json).toEqual({ data: { sdkConfiguration: { sentryDsn: null, isWidgetWatermarkEnabled: false } } });
  });
});

describe("reports", () => {
  const REPORT = `mutation ReportUsage($input: ReportUsageInput!) { reportUsage(input: $input) {
    id featureId customerId resourceId currentUsage usagePeriodStart usagePeriodEnd nextResetDate timestamp credit { currencyId currentUsage }
  } }`;
  const BULK =
    "mutation ReportUsageBulk($input: ReportUsageBulkInput!) { reportUsageBulk(input: $input) { featureId currentUsage } }";
  const EVENT = "mutation ReportEvent($input: UsageEventsReportInput!) { reportEvent(events: $input) }";
  const CUSTOMER = "Ünï/cödé & co?";

  async function report(input: object) {
    return (await postGraphql(url, REPORT, { input: { customerId: CUSTOMER, ...input } })).json;
  }

  it("are counted and measured", async () => {
    const { data } = await report({ featureId: "seats", value: 2 });
    expect(data.reportUsage).toMatchObject({
      featureId: "seats",
      customerId: CUSTOMER,
      resourceId: null,
      currentUsage: 7,
      credit: null,
    });
    expect((await report({ featureId: "seats", value: 3, updateBehavior: "SET" })).data.reportUsage.currentUsage).toBe(
      3,
    );
    const calls = (await report({ featureId: "calls", value: 1, createdAt: new Date().toISOString() })).data
      .reportUsage;
    expect(calls).toMatchObject({ currentUsage: 1, nextResetDate: calls.usagePeriodEnd });
    expect(Date.parse(calls.usagePeriodEnd)).toBeGreaterThan(Date.parse(calls.usagePeriodStart));
  });

  it("tell what was drawn from the wallet", async () => {
    const { json } = await postGraphql(url, REPORT, { input: { customerId: "acme", featureId: "images", value: 2 } });
    expect(json.data.reportUsage).toMatchObject({ currentUsage: 2, credit: { currencyId: "ink", currentUsage: 20 } });
  });

  it("are counted once per idempotency key, and remembered with it", async () => {
    const input = {
      featureId: "seats",
      value: 4,
      updateBehavior: "DELTA",
      idempotencyKey: "k-1",
      dimensions: { region: "eu", paid: true, n: 1 },
    };
    const first = (await report(input)).data.reportUsage.currentUsage;
    expect((await report(input)).data.reportUsage.currentUsage).toBe(first);
    const seen = emulated.emulator.stats.reports.filter(
      (each) => each.type === "usage" && each.report.idempotencyKey === "k-1",
    );
    expect(seen).toHaveLength(2);
    expect(seen[0]).toMatchObject({
      report: {
        dimensions: new Map<string, unknown>([
          ["region", "eu"],
          ["paid", true],
          ["n", 1],
        ]),
      },
    });
  });

  it("without an idempotency key count every time", async () => {
    const first = (await report({ featureId: "seats", value: 1 })).data.reportUsage.currentUsage;
    expect((await report({ featureId: "seats", value: 1 })).data.reportUsage.currentUsage - first).toBe(1);
  });

  it("in bulk are counted all or, where one cannot be, none", async () => {
    const usage = (customerId: string, value: number) => ({
      customerId,
      featureId: "seats",
      value,
      updateBehavior: "SET",
    });
    const { json } = await postGraphql(url, BULK, { input: { usages: [usage("acme", 6), usage(CUSTOMER, 7)] } });
    expect(json.data.reportUsageBulk).toEqual([
      { featureId: "seats", currentUsage: 6 },
      { featureId: "seats", currentUsage: 7 },
    ]);
    const refused = await postGraphql(url, BULK, { input: { usages: [usage("acme", 1), usage("nobody", 1)] } });
    expect(refused.json.errors[0].extensions.code).toBe("CustomerNotFound");
    expect(
      (await postGraphql(url, BULK, { input: { usages: [{ customerId: "acme", featureId: "seats", value: 0 }] } })).json
        .data.reportUsageBulk[0].currentUsage,
    ).toBe(6);
  });

  it("of events come to their meters", async () => {
    const event = (idempotencyKey: string) => ({
      customerId: "acme",
      eventName: "api_request",
      idempotencyKey,
      timestamp: new Date().toISOString(),
    });
    const { json } = await postGraphql(url, EVENT, {
      input: { usageEvents: [event("e-1"), event("e-2"), event("e-1")] },
    });
    expect(json).toEqual({ data: { reportEvent: "3" } });
    const probe = await postGraphql(url, BULK, {
      input: { usages: [{ customerId: "acme", featureId: "calls", value: 0 }] },
    });
    expect(probe.json.data.reportUsageBulk[0].currentUsage).toBe(5);
  });

  it.each([
    ["an unknown customer", { customerId: "nobody", featureId: "seats", value: 1 }, "CustomerNotFound"],
    [
      "an unknown resource",
      { customerId: "acme", resourceId: "nowhere", featureId: "seats", value: 1 },
      "CustomerResourceNotFound",
    ],
    ["an unknown feature", { featureId: "nothing", value: 1 }, "FeatureNotFound"],
    ["an archived customer", { customerId: "former", featureId: "seats", value: 1 }, "EntityIsArchivedError"],
    ["a feature that is not metered", { featureId: "retention", value: 1 }, "BadUserInput"],
    ["a date that is none", { featureId: "seats", value: 1, createdAt: "yesterday" }, "BadUserInput"],
    ["dimensions that are no object", { featureId: "seats", value: 1, dimensions: [1] }, "BadUserInput"],
    ["a dimension that is an object", { featureId: "seats", value: 1, dimensions: { a: {} } }, "BadUserInput"],
  ])("of %s are refused in HTTP 200", async (_, input, code) => {
    const { status, json } = await postGraphql(url, REPORT, { input: { customerId: CUSTOMER, ...input } });
    expect(status).toBe(200);
    expect(json.errors[0].extensions).toMatchObject({ code, traceId: expect.stringMatching(/^[\da-f-]{36}$/) });
    expect(json.data).toBeNull();
  });
});

describe("requests that cannot be answered", () => {
  it.each(WITHOUT_VALID_KEY)("have no valid key: %o", async (headers) => {
    const { status, json } = await postGraphql(
      url,
      "query GetSdkConfiguration { sdkConfiguration { sentryDsn } }",
      {},
      headers,
    );
    expect(status).toBe(200);
    expect(json.errors).toMatchObject([{ message: "Invalid API key", extensions: { code: "Unauthenticated" } }]);
  });

  it.each([
    ["query Broken {", "Syntax Error"],
    ["query Unknown { nothing }", 'Cannot query field "nothing"'],
    ["subscription S { packagePublished { migrationType } }", "WebSocket"],
    ["query A { sdkConfiguration { sentryDsn } } query B { sdkConfiguration { sentryDsn } }", undefined],
  ])("ask for what there is not: %s", async (query, message) => {
    const { status, json } = await postGraphql(url, query);
    expect(status).toBe(message === undefined ? 200 : 400);
    if (message !== undefined) expect(json.errors[0].message).toContain(message);
  });

  it.each([
    ["nothing at all", "", "not JSON"],
    ["a list", "[]", "query is missing"],
    ["null", "null", "must be a JSON object"],
    ["a number for the name", '{"query": "{ __typename }", "operationName": 1}', "operationName must be text"],
    ["text for the variables", '{"query": "{ __typename }", "variables": "x"}', "variables must be an object"],
    [
      "an operation that the document has not",
      '{"query": "query A { __typename }", "operationName": "B"}',
      "names no operation",
    ],
  ])("are %s", async (_, body, message) => {
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      body,
      headers: { "X-API-KEY": "server-key-of-the-tests" },
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(message);
  });
});

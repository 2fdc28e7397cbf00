import { cases, denied, granted } from "./questions.js";

const AREA = "reports of usage";

const ONE_BY_ONE = cases(AREA, [
  [
    "what is added is told, and counted by the next check",
    async ({ who, answers }) => {
      const of = { customerId: who("adding"), featureId: "seats" };
      await answers("getMeteredEntitlement", of, { entitlement: { currentUsage: 8 } });
      await answers("reportUsage", { ...of, value: 1 }, { ...of, currentUsage: 9, measurementId: isText });
      await answers("getMeteredEntitlement", of, { entitlement: { currentUsage: 9 } });
    },
  ],
  [
    "upstream has counted it",
    async ({ who, answers, control }) => {
      const of = { customerId: who("adding"), resourceId: "site 2/é?", featureId: "seats" };
      const { reports } = await control.stats();
      await answers("reportUsage", { ...of, value: 2, dimensions: { site: { stringValue: "eu" } } }, of);
      await answers("reloadEntitlements", { customerId: of.customerId, resourceId: of.resourceId }, {});
      await answers("getMeteredEntitlement", of, {
        entitlement: {
          currentUsage: (value: unknown) =>
            value === 2 ? undefined : `must be 2 (upstream was sent ${reports} reports before)`,
        },
      });
    },
  ],
  [
    "a negative value gives back",
    async ({ who, answers }) => {
      const of = { customerId: who("giving-back"), featureId: "seats" };
      await answers("reportUsage", { ...of, value: -3 }, { currentUsage: 5 });
      await answers("getMeteredEntitlement", of, { entitlement: { currentUsage: 5 } });
    },
  ],
  [
    "SET replaces what was counted",
    async ({ who, answers }) => {
      const of = { customerId: who("setting"), featureId: "seats" };
      await answers(
        "reportUsage",
        { ...of, value: 4, updateBehavior: "USAGE_UPDATE_BEHAVIOR_SET" },
        { currentUsage: 4 },
      );
      await answers("getMeteredEntitlement", of, { entitlement: { currentUsage: 4 } });
    },
  ],
  [
    "the limit counts what was reported",
    async ({ who, answers }) => {
      const of = { customerId: who("at-the-limit"), featureId: "seats" };
      const more = { ...of, options: { requestedUsage: 1 } };
      await answers("getMeteredEntitlement", more, granted);
      await answers("reportUsage", { ...of, value: 2 }, { currentUsage: 10 });
      await answers("getMeteredEntitlement", more, denied("REQUESTED_USAGE_EXCEEDING_LIMIT"));
    },
  ],
  [
    "in a usage period it tells the period",
    async ({ who, answers }) => {
      const of = { customerId: who("adding"), featureId: "weekly" };
      await answers(
        "reportUsage",
        { ...of, value: 1 },
        { currentUsage: 4, usagePeriodStart: isText, usagePeriodEnd: isText },
      );
    },
  ],
  [
    "credits that pay for it are drawn",
    async ({ who, answers, eventually }) => {
      const of = { customerId: who("spending") };
      await answers("getEntitlementV2", { ...of, currencyId: "ink" }, { entitlement: { credit: { remaining: 80 } } });
      await answers("reportUsage", { ...of, featureId: "images", value: 5 }, { currentUsage: 5 });
      await eventually(
        "getEntitlementV2",
        { ...of, currencyId: "ink" },
        { entitlement: { credit: { remaining: 60 } } },
      );
    },
  ],
  [
    "of a customer that does not exist it fails",
    ({ stranger, fails }) =>
      fails("reportUsage", { customerId: stranger(), featureId: "seats", value: 1 }, "not_found"),
  ],
  [
    "of a feature that does not exist it fails",
    ({ who, fails }) =>
      fails("reportUsage", { customerId: who("acme"), featureId: "no-such-feature", value: 1 }, "not_found"),
  ],
  [
    "of an archived customer it fails",
    ({ who, fails }) =>
      fails("reportUsage", { customerId: who("archived"), featureId: "seats", value: 1 }, "failed_precondition"),
  ],
  [
    "it fails while upstream does, and does not count",
    async ({ who, fails, answers, whileUpstreamFails }) => {
      const of = { customerId: who("failing"), featureId: "seats" };
      await answers("getMeteredEntitlement", of, { entitlement: { currentUsage: 8 } });
      await whileUpstreamFails(() => fails("reportUsage", { ...of, value: 1 }, "unavailable"));
      await answers("getMeteredEntitlement", of, { entitlement: { currentUsage: 8 } });
    },
  ],
]);

const IN_BULK = cases("reports in bulk", [
  [
    "each is answered in its place, and counted by the next check",
    async ({ who, answers }) => {
      const customerId = who("bulk");
      await answers(
        "reportUsageBulk",
        {
          usages: [
            { customerId, featureId: "seats", value: 1 },
            {
              customerId,
              resourceId: "site 2/é?",
              featureId: "seats",
              value: 3,
              updateBehavior: "USAGE_UPDATE_BEHAVIOR_SET",
            },
            { customerId, featureId: "exports", value: 10 },
          ],
        },
        {
          usages: [
            { customerId, featureId: "seats", currentUsage: 9 },
            { customerId, resourceId: "site 2/é?", featureId: "seats", currentUsage: 3 },
            { customerId, featureId: "exports", currentUsage: 5_010 },
          ],
        },
      );
      await answers("getMeteredEntitlement", { customerId, featureId: "seats" }, { entitlement: { currentUsage: 9 } });
      await answers(
        "getMeteredEntitlement",
        { customerId, resourceId: "site 2/é?", featureId: "seats", options: { requestedUsage: 1 } },
        { hasAccess: false, entitlement: { currentUsage: 3 } },
      );
    },
  ],
  [
    "where one cannot be counted, none is",
    async ({ who, answers, fails, stranger }) => {
      const of = { customerId: who("none-of-a-bulk"), featureId: "seats" };
      await fails(
        "reportUsageBulk",
        {
          usages: [
            { ...of, value: 1 },
            { customerId: stranger(), featureId: "seats", value: 1 },
          ],
        },
        "not_found",
      );
      await answers("reloadEntitlements", { customerId: of.customerId }, { entitledEntityExists: true });
      await answers("getMeteredEntitlement", of, { entitlement: { currentUsage: 8 } });
    },
  ],
  [
    "it fails while upstream does",
    async ({ who, fails, whileUpstreamFails }) =>
      whileUpstreamFails(() =>
        fails(
          "reportUsageBulk",
          { usages: [{ customerId: who("failing"), featureId: "seats", value: 1 }] },
          "unavailable",
        ),
      ),
  ],
]);

const EVENTS = cases("events", [
  [
    "a meter counts them, each key once",
    async ({ who, answers, eventually }) => {
      const of = { customerId: who("events"), featureId: "requests" };
      const event = (key: string) => ({
        customerId: of.customerId,
        eventName: "conformance_request",
        idempotencyKey: `${of.customerId} ${key}`,
        timestamp: new Date(Date.now() - 1_000).toISOString(),
      });
      const [first, second, third] = [event("1"), event("2"), event("3")];
      await answers("getMeteredEntitlement", of, { entitlement: { currentUsage: 0 } });
      await answers("reportEvents", { events: [first, second, first] }, {});
      await eventually("getMeteredEntitlement", of, { entitlement: { currentUsage: 2 } });
      await answers("reportEvents", { events: [second, third] }, {});
      await eventually("getMeteredEntitlement", of, { entitlement: { currentUsage: 3 } });
    },
  ],
  [
    "a meter sums a dimension of them",
    async ({ who, answers, eventually }) => {
      const of = { customerId: who("sums"), featureId: "bytes" };
      const events = [250, 0.5].map((bytes, index) => ({
        customerId: of.customerId,
        eventName: "conformance_upload",
        idempotencyKey: `${of.customerId} ${index}`,
        dimensions: {
          bytes: { numberValue: bytes },
          to: { stringValue: "disk" },
          isFirst: { booleanValue: index === 0 },
        },
      }));
      await answers("getMeteredEntitlement", of, { entitlement: { currentUsage: 0 } });
      await answers("reportEvents", { events }, {});
      await eventually("getMeteredEntitlement", of, { entitlement: { currentUsage: 250.5 } });
    },
  ],
  [
    "they fail while upstream does",
    ({ who, fails, whileUpstreamFails }) =>
      whileUpstreamFails(() =>
        fails(
          "reportEvents",
          {
            events: [
              { customerId: who("failing"), eventName: "conformance_request", idempotencyKey: who("failed event") },
            ],
          },
          "unavailable",
        ),
      ),
  ],
]);

function isText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? undefined : "must be set";
}

export const REPORT_CASES = [...ONE_BY_ONE, ...IN_BULK, ...EVENTS];

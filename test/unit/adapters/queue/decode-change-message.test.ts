import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import { encodeChangeMessage } from "../../../../src/adapters/emulator/announce-changes.js";
import { decodeChangeMessage } from "../../../../src/adapters/queue/decode-change-message.js";
import type { Change } from "../../../../src/domain/change.js";
import type { FieldFault } from "../../../../src/wire/fault-log.js";
import { entitlementsUpdated, inEventBridge, inSns, message, seats, T0 } from "../../../builders/change-messages.js";
import { boolean, enumerated, metered, numeric, stateWith, wallet } from "../../../builders/states.js";
import { fail } from "../../../support/expectations.js";

const validate = new Ajv2020({ allErrors: true, strict: false }).compile(
  JSON.parse(readFileSync("schema/change-message.schema.json", "utf8")) as object,
);
const unexpected = (fault: FieldFault): never => {
  throw fault;
};
const decode = (body: string) => decodeChangeMessage(body, unexpected);

describe("the documented messages", () => {
  const examples = [...readFileSync("docs/change-messages.md", "utf8").matchAll(/```json\n([^]*?)```/g)].map(
    ([, json = ""]) => json,
  );

  it("are one of each type", () => {
    expect(examples.map((json) => (JSON.parse(json) as { type: string }).type)).toEqual([
      "entitlements.updated",
      "usage.updated",
      "customer.invalidated",
      "package.published",
    ]);
  });

  it.each(examples.map((json) => [(JSON.parse(json) as { type: string }).type, json]))(
    "%s: is valid by the schema, and understood",
    (_, json) => {
      expect({ isValid: validate(JSON.parse(json)), errors: validate.errors }).toEqual({ isValid: true, errors: null });
      expect(decode(json)).toBeDefined();
    },
  );
});

describe("the emulator's messages", () => {
  const subject = { customerId: "acme", resourceId: "site" };
  const state = stateWith(
    [metered({ usage: { currentUsage: 3, updatedAt: T0 } }), numeric(), boolean(), enumerated()],
    {
      credits: [wallet({ usage: { currentUsage: 4, updatedAt: T0 } })],
      updatedAt: T0,
    },
  );
  const CHANGES: readonly Change[] = [
    { type: "entitlements-updated", subject, state },
    { type: "entitlements-updated", subject, state: stateWith([], { accessDeniedReason: "CustomerIsArchived" }) },
    {
      type: "usage-updated",
      subject,
      entitlement: { type: "feature", id: "seats" },
      usage: { currentUsage: 3, periodStart: T0, periodEnd: T0 + 1, updatedAt: T0 },
    },
    {
      type: "usage-updated",
      subject,
      entitlement: { type: "credit", id: "credits" },
      usage: { currentUsage: 3, updatedAt: T0 },
    },
    { type: "subject-invalidated", subject },
    { type: "package-published", migration: "ALL_CUSTOMERS" },
  ];

  it.each(CHANGES.map((change) => [change.type, change] as const))(
    "of %s are valid by the schema, and say the same once they are read",
    (_, change) => {
      const encoded = JSON.parse(JSON.stringify(encodeChangeMessage(change, T0 + 5))) as object;
      expect({ isValid: validate(encoded), errors: validate.errors }).toEqual({ isValid: true, errors: null });
      const decoded = decode(JSON.stringify(encoded));
      expect(decoded.at).toBe(T0 + 5);
      if (change.type === "entitlements-updated") {
        const { change: again } = decoded;
        expect(again.type).toBe("entitlements-updated");
        if (again.type === "entitlements-updated") {
          expect([...again.state.features()].map(({ feature }) => feature.id)).toEqual(
            [...change.state.features()].map(({ feature }) => feature.id),
          );
          expect(again.state.accessDeniedReason).toBe(change.state.accessDeniedReason);
          expect(again.state.updatedAt).toBe(change.state.updatedAt);
        }
      } else expect(decoded.change).toEqual(change);
    },
  );
});

describe("a message", () => {
  it.each([
    ["epoch milliseconds", T0, T0],
    ["digits", String(T0), T0],
    ["an ISO date", "2026-01-01T00:00:00.007Z", T0 + 7],
    ["an ISO date of another zone", "2026-01-01T02:00:00+02:00", T0],
  ])("tells its timestamp as %s", (_, timestamp, at) => {
    expect(decode(message("customer.invalidated", { customerId: "acme" }, { timestamp })).at).toBe(at);
  });

  it("loses an entitlement that cannot be read, and keeps the others", () => {
    const faults: string[] = [];
    const body = message("entitlements.updated", {
      customerId: "acme",
      entitlements: [seats({}), { feature: { refId: "broken", featureType: "NUMBER" }, usageLimit: {} }],
    });
    const { change } = decodeChangeMessage(body, ({ expectation }) => faults.push(expectation));
    if (change.type !== "entitlements-updated") return fail(change.type);
    expect([change.state.featureCount, change.state.unknown]).toEqual([1, [{ type: "feature", id: "broken" }]]);
    expect(faults).toEqual(["usageLimit: expected a finite number"]);
  });

  it("of whose entitlements none can be read only says that there is a change", () => {
    const body = message("entitlements.updated", { customerId: "acme", entitlements: [{}] });
    expect(decodeChangeMessage(body, () => {}).change).toEqual({
      type: "subject-invalidated",
      subject: { customerId: "acme", resourceId: undefined },
    });
  });

  it.each([
    [
      "an unknown type",
      message("customer.renamed", { customerId: "acme", resourceId: "site" }),
      "type: expected one of entitlements.updated, usage.updated, customer.invalidated, package.published",
    ],
    [
      "no list",
      message("entitlements.updated", { customerId: "acme", resourceId: "site" }),
      "entitlements: expected a list",
    ],
    [
      "a usage of nothing known",
      message("usage.updated", {
        customerId: "acme",
        resourceId: "site",
        entitlementReference: { id: "x", type: "PLAN" },
        usage: { currentUsage: 1 },
      }),
      "data.entitlementReference.type: expected one of FEATURE, CREDIT",
    ],
    [
      "a usage that is none",
      message("usage.updated", {
        customerId: "acme",
        resourceId: "site",
        entitlementReference: { id: "x", type: "FEATURE" },
        usage: { currentUsage: {} },
      }),
      "data.usage.currentUsage: expected a finite number",
    ],
  ])("with %s still says that its subject changed", (_, body, expectation) => {
    const faults: string[] = [];
    expect(decodeChangeMessage(body, (fault) => faults.push(fault.expectation)).change).toEqual({
      type: "subject-invalidated",
      subject: { customerId: "acme", resourceId: "site" },
    });
    expect(faults).toEqual([expectation]);
  });

  it.each(["SOME", null, 5, undefined])("of a publication for %j customers is one for all", (migrationType) => {
    const faults: string[] = [];
    const { change } = decodeChangeMessage(message("package.published", { migrationType }), (fault) =>
      faults.push(fault.expectation),
    );
    expect(change).toEqual({ type: "package-published", migration: "ALL_CUSTOMERS" });
    expect(faults).toEqual(["data.migrationType: expected one of ALL_CUSTOMERS, NEW_CUSTOMERS"]);
  });

  it.each([
    ["by nobody", (body: string) => body],
    ["by SNS", inSns],
    ["by EventBridge", inEventBridge],
    ["by EventBridge, then by SNS", (body: string) => inSns(inEventBridge(body))],
  ])("says the same wrapped %s", (_, wrap) => {
    const body = entitlementsUpdated({ customerId: "acme" });
    expect(JSON.stringify(decode(wrap(body)))).toBe(JSON.stringify(decode(body)));
  });

  it("is not looked for in ever deeper wrappings", () => {
    const body = message("customer.invalidated", { customerId: "acme" });
    expect(() => decode(inSns(inSns(inSns(body))))).toThrow("id: expected");
  });

  it.each([
    ["text", "the body: expected JSON"],
    ["[]", "the whole: expected an object"],
    ["null", "the whole: expected an object"],
    [
      message("toString", {}),
      "type: expected one of entitlements.updated, usage.updated, customer.invalidated, package.published",
    ],
    [message("customer.invalidated", { customerId: "a" }, { version: "2" }), "version: expected 1"],
    [
      message("customer.invalidated", { customerId: "a" }, { timestamp: "soon" }),
      "timestamp: expected an ISO date or epoch milliseconds",
    ],
    [message("entitlements.updated", { customerId: 5 }), "data.customerId: expected a non-empty string"],
  ])("that is %s is refused in words that show nothing of it: %s", (body, expectation) => {
    expect(() => decode(body)).toThrow(expect.objectContaining({ expectation }));
  });
});

import { describe, expect, it } from "@jest/globals";
import { ExplainDecision } from "../../../../src/application/check/explain-decision.js";
import type { CustomerState } from "../../../../src/domain/customer-state.js";
import type { Subject } from "../../../../src/domain/subject.js";
import type { Directory } from "../../../../src/ports/checks.js";
import { buildCore, type Core, know } from "../../../builders/core.js";
import { configured } from "../../../builders/queries.js";
import { boolean, emptyState, metered, stateWith, wallet } from "../../../builders/states.js";

const acme: Subject = { customerId: "acme" };
const STATE = stateWith([metered({ id: "seats" }), boolean({ id: "sso" })], {
  credits: [wallet({ currencyId: "tokens" })],
});
const ORIGIN = {
  plan: "pro",
  subscriptionStartedAt: 1,
  subscriptionEndsAt: undefined,
  from: "plan",
  grants: [],
} as const;

/** A source that knows more than the customer has. */
const DIRECTORY: Directory = {
  customers: () => ["acme", "globex"],
  resources: (customerId) => (customerId === "acme" ? ["site-1", "site-2"] : []),
  features: () => ["seats", "sso", "audit-log"],
  currencies: () => ["tokens", "minutes"],
  originOf: ({ customerId }, { id }) => (customerId === "acme" && id === "seats" ? ORIGIN : undefined),
};

async function explaining(known: readonly (readonly [Subject, CustomerState])[], directory?: Directory) {
  const core: Core = buildCore();
  for (const [subject, state] of known) await know(core, subject, state);
  const { cache, states, stream, clock } = core;
  const fallbacks = { ...configured({}), all: () => new Map() };
  const explain = new ExplainDecision({ cache, states, stream, fallbacks, clock, directory });
  return (subject: Subject, type: "feature" | "credit", id: string, cachedOnly = true) =>
    explain.explain({ subject, type, id, cachedOnly });
}

const NONE = { customers: [], resources: [], ids: [] };

describe("an explanation names what is spelt like what is not known", () => {
  it.each([
    { asked: "a feature", type: "feature", id: "seat", ids: ["seats"] },
    { asked: "a currency", type: "credit", id: "token", ids: ["tokens"] },
    { asked: "a feature that the customer has", type: "feature", id: "seats", ids: [] },
    { asked: "a currency that the customer has", type: "credit", id: "tokens", ids: [] },
  ] as const)("$asked, of those that the customer has", async ({ type, id, ids }) => {
    const explain = await explaining([[acme, STATE]]);
    expect((await explain(acme, type, id)).nearest).toEqual({ ...NONE, ids });
  });

  it.each([
    { asked: "a feature", type: "feature", id: "audit_logs", ids: ["audit-log"] },
    {
      asked: "a feature that there is, and that the customer does not have",
      type: "feature",
      id: "audit-log",
      ids: [],
    },
    { asked: "a currency", type: "credit", id: "minute", ids: ["minutes"] },
  ] as const)("$asked, of all that the source has", async ({ type, id, ids }) => {
    const explain = await explaining([[acme, STATE]], DIRECTORY);
    expect((await explain(acme, type, id)).nearest).toEqual({ ...NONE, ids });
  });

  it.each([
    { of: "those that are cached", directory: undefined, known: [[acme, STATE]] as const },
    { of: "those that the source has", directory: DIRECTORY, known: [] },
  ])("a customer, of $of", async ({ directory, known }) => {
    const explain = await explaining(known, directory);
    expect((await explain({ customerId: "acmee" }, "feature", "no-such-thing")).nearest).toEqual({
      ...NONE,
      customers: ["acme"],
    });
  });

  it.each([
    { of: "those that the source has", directory: DIRECTORY, resources: ["site-1", "site-2"] },
    { of: "none, where the source does not tell", directory: undefined, resources: [] },
  ])("a resource, of $of", async ({ directory, resources }) => {
    const subject = { customerId: "acme", resourceId: "site" };
    const explain = await explaining([[subject, emptyState("CustomerResourceNotFound")]], directory);
    expect((await explain(subject, "feature", "no-such-thing")).nearest).toMatchObject({ customers: [], resources });
  });

  it("the customer rather than the resource, where it is the customer that is not known", async () => {
    const subject = { customerId: "acne", resourceId: "site" };
    const explain = await explaining([[subject, emptyState("CustomerNotFound")]], DIRECTORY);
    expect((await explain(subject, "feature", "seats")).nearest).toEqual({ ...NONE, customers: ["acme"] });
  });
});

describe("an explanation says where an entitlement comes from", () => {
  it.each([
    { where: "as far as the source tells", directory: DIRECTORY, id: "seats", origin: ORIGIN },
    { where: "where the source has no such entitlement: not", directory: DIRECTORY, id: "sso", origin: undefined },
    { where: "where the source tells nothing: not", directory: undefined, id: "seats", origin: undefined },
  ])("$where", async ({ directory, id, origin }) => {
    const explain = await explaining([[acme, STATE]], directory);
    expect((await explain(acme, "feature", id)).origin).toEqual(origin);
  });
});

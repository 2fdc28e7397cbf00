import { cases, denied, type Question, questions, rawMetered, rawState } from "./questions.js";

const onSeats = (title: string, of: string, name: string, more: object = {}): Question => ({
  title: `${name}: ${title}`,
  method: "getEntitlementV2",
  of,
  request: { featureId: "seats", ...more },
  expected: { entitlement: denied(name) },
});

/** Of the reasons that other areas do not ask for. */
export const REASON_CASES = [
  ...questions("reasons of denials", [
    onSeats("a customer that does not exist", "nobody", "CUSTOMER_NOT_FOUND"),
    onSeats("an archived customer", "archived", "CUSTOMER_IS_ARCHIVED"),
    onSeats("a resource that does not exist", "acme", "CUSTOMER_RESOURCE_NOT_FOUND", { resourceId: "site-9" }),
    onSeats("a customer without a plan", "lead", "NO_ACTIVE_SUBSCRIPTION"),
    onSeats("a resource without a plan", "acme", "NO_ACTIVE_SUBSCRIPTION", { resourceId: "site-closed" }),
    onSeats("a subscription that is over", "trial-is-over", "NO_ACTIVE_SUBSCRIPTION"),
    onSeats("a subscription that has not begun", "starts-later", "NO_ACTIVE_SUBSCRIPTION"),
    onSeats("what was taken away", "revoked", "REVOKED"),
    {
      title: "NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION: a feature that does not exist",
      method: "getEntitlement",
      request: { featureId: "no-such-feature" },
      expected: {
        ...denied("NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION"),
        boolean: undefined,
        numeric: undefined,
        metered: undefined,
        enum: undefined,
      },
    },
  ]),
  ...cases(
    "reasons of denials",
    (
      [
        ["BudgetExceeded", "BUDGET_EXCEEDED", "a spending cap that is reached"],
        ["FeatureNotFound", "FEATURE_NOT_FOUND", "a feature that upstream does not know"],
        ["InventedTomorrow", "UNKNOWN", "a reason that upstream invents"],
      ] as const
    ).map(([upstreamReason, name, title]) => [
      `${name}: ${title}`,
      async ({ nextState, stranger, answers }) => {
        await nextState(rawState([rawMetered({ id: "seats", accessDeniedReason: upstreamReason })]));
        await answers(
          "getEntitlementV2",
          { customerId: stranger(), featureId: "seats" },
          { entitlement: denied(name) },
        );
      },
    ]),
  ),
  ...cases("reasons of denials", [
    [
      "a reason of the whole state goes before that of a feature it lacks",
      async ({ nextState, stranger, answers }) => {
        await nextState(rawState([], "BudgetExceeded"));
        await answers(
          "getEntitlementV2",
          { customerId: stranger(), featureId: "seats" },
          { entitlement: denied("BUDGET_EXCEEDED") },
        );
      },
    ],
    [
      "without a limit nothing is granted",
      async ({ nextState, stranger, answers }) => {
        await nextState(rawState([rawMetered({ id: "seats", usageLimit: null })]));
        await answers(
          "getMeteredEntitlement",
          { customerId: stranger(), featureId: "seats", options: { requestedUsage: 1 } },
          { ...denied("REQUESTED_USAGE_EXCEEDING_LIMIT"), entitlement: { usageLimit: undefined } },
        );
      },
    ],
  ]),
];

import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { OutboxState } from "../../../../src/domain/outbox/outbox-state.js";
import { WaitingFilter } from "../../../../src/domain/outbox/waiting-filter.js";
import { usageReport } from "../../../builders/reports.js";

const MANY = 50_000;

describe("the filter of what waits", () => {
  it("never says no of what waits, and no of everything once nothing does", () => {
    const pair = fc.record({ customerId: fc.string({ minLength: 1 }), featureId: fc.string({ minLength: 1 }) });
    fc.assert(
      fc.property(fc.array(pair), fc.integer({ min: 0 }), (pairs, kept) => {
        const filter = new WaitingFilter();
        for (const { customerId, featureId } of pairs) filter.add({ customerId }, featureId);
        const gone = pairs.slice(kept % (pairs.length + 1));
        for (const { customerId, featureId } of gone) filter.remove({ customerId }, featureId);
        for (const { customerId, featureId } of pairs.slice(0, pairs.length - gone.length)) {
          expect(filter.mayHaveAny(customerId)).toBe(true);
          expect(filter.mayHave(customerId, featureId)).toBe(true);
        }
        for (const { customerId, featureId } of pairs.slice(0, pairs.length - gone.length))
          filter.remove({ customerId }, featureId);
        expect(pairs.some(({ customerId }) => filter.mayHaveAny(customerId))).toBe(false);
      }),
    );
  });

  it("says no of nearly all that does not wait, where ids are numbered and much waits", () => {
    const filter = new WaitingFilter();
    for (let i = 0; i < MANY; i++) filter.add({ customerId: `customer-${i}` }, "feature-api-calls");
    const wrong = { feature: 0, customer: 0, both: 0 };
    for (let i = 0; i < MANY; i++) {
      if (filter.mayHave(`customer-${i}`, "feature-seats")) wrong.feature++;
      if (filter.mayHaveAny(`other-${i}`)) wrong.customer++;
      if (filter.mayHave(`other-${i}`, "feature-api-calls")) wrong.both++;
    }
    // Twice so many places are taken, of a million.
    for (const count of Object.values(wrong)) expect(count / MANY).toBeLessThan(0.15);
  });

  it("says yes for good where more share a place than it can count", () => {
    const filter = new WaitingFilter();
    for (let i = 0; i < 300; i++) filter.add({ customerId: "c" }, "seats");
    for (let i = 0; i < 300; i++) filter.remove({ customerId: "c" }, "seats");
    expect(filter.mayHave("c", "seats")).toBe(true);
  });

  it.each(["delivered", "cancelled"] as const)("follows the outbox, where a report is %s", (end) => {
    const outbox = new OutboxState();
    const report = {
      ...usageReport({ subject: { customerId: "c", resourceId: "r" }, featureId: "seats" }),
      timestamp: 1,
    };
    const item = outbox.reserve(report, Infinity, 1);
    expect([outbox.filter.mayHaveAny("c"), outbox.filter.mayHave("c", "seats")]).toEqual([true, true]);
    if (end === "cancelled") outbox.cancel(item);
    else {
      outbox.apply({ type: "usage-accepted", at: 1, items: [item] });
      outbox.apply({ type: "delivered", at: 2, ids: [item.entryId], count: 1 });
    }
    expect([outbox.filter.mayHaveAny("c"), outbox.filter.mayHave("c", "seats")]).toEqual([false, false]);
  });
});

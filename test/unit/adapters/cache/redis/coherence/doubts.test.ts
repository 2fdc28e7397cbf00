import { describe, expect, it } from "@jest/globals";
import { Doubts } from "../../../../../../src/adapters/cache/redis/coherence/doubts.js";

const ACME = { customerId: "acme" };
const SITE = { customerId: "acme", resourceId: "site" };
const OTHER = { customerId: "other" };

describe("what is in Redis is in doubt", () => {
  it("nowhere, as long as no news were missed", () => {
    expect(new Doubts().isInDoubt(ACME, 0)).toBe(false);
  });

  it.each([
    { doubted: "all", subject: OTHER, before: true },
    { doubted: ACME, subject: ACME, before: true },
    { doubted: ACME, subject: SITE, before: true },
    { doubted: ACME, subject: OTHER, before: false },
    { doubted: SITE, subject: SITE, before: true },
    { doubted: SITE, subject: ACME, before: false },
    { doubted: SITE, subject: { customerId: "acme", resourceId: "" }, before: false },
  ] as const)(
    "where $doubted was doubted, $subject as of before: $before; as of then or later, never",
    ({ doubted, subject, before }) => {
      const doubts = new Doubts();
      if (doubted === "all") doubts.doubtAll(100);
      else doubts.doubt(doubted, 100);
      expect([99, 100, 101].map((verifiedAt) => doubts.isInDoubt(subject, verifiedAt))).toEqual([before, false, false]);
    },
  );

  it("as of the last time that it was doubted", () => {
    const doubts = new Doubts();
    doubts.doubt(ACME, 100);
    doubts.doubt(ACME, 200);
    expect(doubts.isInDoubt(ACME, 150)).toBe(true);
  });

  it("everywhere, rather than that too many have to be remembered", () => {
    const doubts = new Doubts(2);
    doubts.doubt(ACME, 100);
    doubts.doubt(SITE, 300);
    doubts.doubt(SITE, 301);
    expect(doubts.isInDoubt({ customerId: "third" }, 200)).toBe(false);
    doubts.doubt(OTHER, 200);
    for (const subject of [ACME, SITE, OTHER, { customerId: "third" }])
      expect(doubts.isInDoubt(subject, 300)).toBe(true);
    expect(doubts.isInDoubt(OTHER, 301)).toBe(false);
    doubts.doubt(ACME, 400);
    expect([doubts.isInDoubt(ACME, 350), doubts.isInDoubt(OTHER, 350)]).toEqual([true, false]);
  });
});

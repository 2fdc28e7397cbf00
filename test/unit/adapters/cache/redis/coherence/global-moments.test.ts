import { describe, expect, it } from "@jest/globals";
import { GlobalMoments } from "../../../../../../src/adapters/cache/redis/coherence/global-moments.js";

const R = { customerId: "acme", resourceId: "r" };
const S = { customerId: "acme", resourceId: "s" };

describe("which state of its customer was there before a resource is fetched", () => {
  it("is the first that was seen: a later one may have come during the fetch", () => {
    const moments = new GlobalMoments();
    moments.see(R, 1);
    moments.see(R, 2);
    moments.see(S, 3);
    expect([moments.take(R), moments.take(S)]).toEqual([1, 3]);
  });

  it("counts for one fetch", () => {
    const moments = new GlobalMoments();
    moments.see(R, 1);
    moments.take(R);
    expect(moments.take(R)).toBeUndefined();
    moments.see(R, 2);
    expect(moments.take(R)).toBe(2);
  });

  it("is forgotten where it would be of too many", () => {
    const moments = new GlobalMoments(1);
    moments.see(R, 1);
    moments.see(S, 2);
    expect([moments.take(R), moments.take(S)]).toEqual([undefined, 2]);
    moments.see(R, 3);
    expect(moments.take(R)).toBe(3);
  });
});

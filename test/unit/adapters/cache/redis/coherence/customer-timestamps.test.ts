import { describe, expect, it } from "@jest/globals";
import { CustomerTimestamps } from "../../../../../../src/adapters/cache/redis/coherence/customer-timestamps.js";

const R = { customerId: "acme", resourceId: "r" };
const S = { customerId: "acme", resourceId: "s" };

describe("which state of its customer was there before a resource is fetched", () => {
  it("is the first that was seen: a later one may have come during the fetch", () => {
    const times = new CustomerTimestamps();
    times.see(R, 1);
    times.see(R, 2);
    times.see(S, 3);
    expect([times.take(R), times.take(S)]).toEqual([1, 3]);
  });

  it("counts for one fetch", () => {
    const times = new CustomerTimestamps();
    times.see(R, 1);
    times.take(R);
    expect(times.take(R)).toBeUndefined();
    times.see(R, 2);
    expect(times.take(R)).toBe(2);
  });

  it("is forgotten where it would be of too many", () => {
    const times = new CustomerTimestamps(1);
    times.see(R, 1);
    times.see(S, 2);
    expect([times.take(R), times.take(S)]).toEqual([undefined, 2]);
    times.see(R, 3);
    expect(times.take(R)).toBe(3);
  });
});

import { describe, expect, it } from "@jest/globals";
import { MemoryCache } from "../../../../src/adapters/cache/memory/memory-cache.js";
import { MissingSubjects } from "../../../../src/application/load/missing-subjects.js";
import type { CustomerState } from "../../../../src/domain/customer-state.js";
import { CodedError } from "../../../../src/domain/errors.js";
import { newTelemetry } from "../../../../src/ports/telemetry.js";
import { boolean, emptyState, stateWith } from "../../../builders/states.js";

const BOUNDS = { count: 3, idBytes: 100 };

function remembering() {
  const cache = new MemoryCache(1_000_000, newTelemetry());
  const missing = new MissingSubjects(cache, BOUNDS);
  const put = (customerId: string, state: CustomerState) =>
    cache.put({ customerId }, { state, verifiedAt: 0, recheckAt: Infinity, isVerified: true });
  async function remember(customerId: string): Promise<void> {
    await put(customerId, emptyState("CustomerNotFound"));
    await missing.remember({ customerId });
  }
  const held = (...customerIds: string[]) =>
    customerIds.filter((customerId) => cache.peek(customerId, undefined) !== undefined);
  return { cache, missing, put, remember, held };
}

describe("customers that upstream does not know", () => {
  it("are remembered up to a bound, the latest ones", async () => {
    const { held, remember } = remembering();
    for (const customerId of ["a", "b", "c", "d", "e"]) await remember(customerId);
    expect(held("a", "b", "c", "d", "e")).toEqual(["c", "d", "e"]);
  });

  it("are remembered up to a bound of their ids' bytes, the latest ones", async () => {
    const { held, remember } = remembering();
    const [a, b, c] = ["a".repeat(20), "b".repeat(20), "c".repeat(20)];
    for (const customerId of [a, b, c]) await remember(customerId);
    expect(held(a, b, c)).toEqual([b, c]);
  });

  it("are not remembered where a single id is beyond that bound", async () => {
    const { held, remember } = remembering();
    const long = "l".repeat(51);
    for (const customerId of ["a", long, "b"]) await remember(customerId);
    expect(held("a", long, "b")).toEqual(["b"]);
  });

  it("count once, however often they are asked for", async () => {
    const { held, remember } = remembering();
    for (const customerId of ["a", "b", "b", "b", "b", "c"]) await remember(customerId);
    expect(held("a", "b", "c")).toEqual(["a", "b", "c"]);
  });

  it("stay once they have come into being", async () => {
    const { held, put, remember } = remembering();
    await remember("a");
    await put("a", stateWith([boolean()]));
    for (const customerId of ["b", "c", "d"]) await remember(customerId);
    expect(held("a")).toEqual(["a"]);
  });

  it("are let be in a store that is out of reach", async () => {
    const { cache } = remembering();
    const missing = new MissingSubjects(
      Object.create(cache, { load: { value: () => Promise.reject(new CodedError("unavailable", "gone")) } }),
      { count: 0, idBytes: 0 },
    );
    await missing.remember({ customerId: "a" });
    expect(cache.size.subjects).toBe(0);
  });

  it("are not let be where the store fails in a way that was not foreseen", async () => {
    const { cache } = remembering();
    const defect = new TypeError("defect");
    const missing = new MissingSubjects(Object.create(cache, { load: { value: () => Promise.reject(defect) } }), {
      count: 0,
      idBytes: 0,
    });
    await expect(missing.remember({ customerId: "a" })).rejects.toBe(defect);
  });
});

import { describe, expect, it } from "@jest/globals";
import * as fc from "fast-check";
import { MemoryCache } from "../../src/adapters/cache/memory/memory-cache.js";
import { newTelemetry } from "../../src/ports/telemetry.js";
import { describeCacheStore, fetched, seats } from "./cache-store.js";

const MIB = 1 << 20;

describeCacheStore("MemoryCache", () =>
  Promise.resolve({ store: new MemoryCache(64 * MIB, newTelemetry()), close: () => Promise.resolve() }),
);

describe("MemoryCache", () => {
  it("marks stale one subject, or all resources of a customer, and nobody else; twice is as once", async () => {
    const cache = new MemoryCache(MIB, newTelemetry());
    const subjects = ["acme", "other"].flatMap((customerId) => [
      { customerId },
      { customerId, resourceId: "r" },
      { customerId, resourceId: "s" },
    ]);
    const findCached = () =>
      subjects.map(
        ({ customerId, ...rest }) =>
          cache.peek(customerId, "resourceId" in rest ? rest.resourceId : undefined) !== undefined,
      );
    for (const subject of subjects) await cache.put(subject, fetched(seats(1, 0)));
    const { size } = cache;
    for (let twice = 0; twice < 2; twice++) {
      cache.markStale("acme", "r");
      cache.markStale("unknown", undefined);
      expect(findCached()).toEqual([true, false, true, true, true, true]);
    }
    cache.markStale("acme", undefined);
    expect(findCached()).toEqual([false, false, true, true, true, true]);
    for (let twice = 0; twice < 2; twice++) cache.markResourcesStale("acme");
    expect(findCached()).toEqual([false, false, false, true, true, true]);
    expect(cache.size).toEqual(size);
    expect(await cache.load({ customerId: "acme", resourceId: "s" })).toMatchObject({ isVerified: false });
  });

  it("stays within its bound and counts what it drops", async () => {
    const telemetry = newTelemetry();
    const cache = new MemoryCache(MIB, telemetry);
    for (let i = 0; i < 5000; i++) await cache.put({ customerId: `customer-${i}` }, fetched(seats(1, 0)));
    const { bytes, subjects, maxBytes } = cache.size;
    expect(maxBytes).toBe(MIB);
    expect(bytes).toBeLessThanOrEqual(MIB);
    expect(bytes).toBeGreaterThan(0.8 * MIB);
    expect(telemetry.cacheEvictions).toBe(5000 - subjects);
  });

  it("keeps what is read and drops what is not", async () => {
    const cache = new MemoryCache(MIB, newTelemetry());
    for (let i = 0; i < 50; i++) await cache.put({ customerId: `busy-${i}` }, fetched(seats(1, 0)));
    for (let i = 0; i < 5000; i++) {
      await cache.put({ customerId: `passing-${i}` }, fetched(seats(1, 0)));
      cache.peek(`busy-${i % 50}`, undefined);
    }
    const kept = Array.from({ length: 50 }, (_, i) => cache.peek(`busy-${i}`, undefined)).filter(
      (held) => held !== undefined,
    );
    expect(kept).toHaveLength(50);
  });

  it("drops the oldest resources of a customer that alone is larger than the bound", async () => {
    const cache = new MemoryCache(MIB / 4, newTelemetry());
    for (let i = 0; i < 2000; i++) await cache.put({ customerId: "acme", resourceId: `r${i}` }, fetched(seats(1, 0)));
    expect(cache.size.bytes).toBeLessThanOrEqual(MIB / 4);
    expect(cache.peek("acme", "r1999")).toBeDefined();
    expect(cache.peek("acme", "r0")).toBeUndefined();
  });

  it("does not keep a state that alone is larger than the bound", async () => {
    const cache = new MemoryCache(64, newTelemetry());
    await cache.put({ customerId: "acme" }, fetched(seats(1, 0)));
    expect(cache.size).toMatchObject({ subjects: 0, bytes: 0 });
  });

  it("counts the same bytes and subjects however it came to hold what it holds", async () => {
    const operation = fc.record({
      what: fc.constantFrom("put", "forget", "update", "invalidate"),
      customerId: fc.constantFrom("a", "b", "c"),
      resourceId: fc.option(fc.constantFrom("r", "s"), { nil: undefined }),
      limit: fc.nat(5),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
        const cache = new MemoryCache(MIB, newTelemetry());
        for (const { what, customerId, resourceId, limit } of operations) {
          const subject = { customerId, resourceId };
          if (what === "put") await cache.put(subject, fetched(seats(limit, 0)));
          if (what === "forget") await cache.forget(subject);
          if (what === "update")
            await cache.apply({ type: "entitlements-updated", subject, state: seats(limit, 0) }, 0);
          if (what === "invalidate") await cache.apply({ type: "subject-invalidated", subject }, 0);
        }
        const fresh = new MemoryCache(MIB, newTelemetry());
        for (const subject of cache.recentlyUsed(100)) {
          await fresh.put(subject, fetched((await cache.load(subject))!.state));
        }
        expect(fresh.size).toEqual(cache.size);
      }),
    );
  });
});

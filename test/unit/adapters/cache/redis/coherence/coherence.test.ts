import { beforeEach, describe, expect, it } from "@jest/globals";
import { MemoryCache } from "../../../../../../src/adapters/cache/memory/memory-cache.js";
import { Coherence } from "../../../../../../src/adapters/cache/redis/coherence/coherence.js";
import { stateKey } from "../../../../../../src/adapters/cache/redis/store/redis-keys.js";
import { buildCustomerState } from "../../../../../../src/domain/build-customer-state.js";
import { newTelemetry } from "../../../../../../src/ports/telemetry.js";
import { metered } from "../../../../../builders/states.js";

const ACME = { customerId: "acme" };
const SITE = { customerId: "acme", resourceId: "site" };
const FETCHED = {
  state: buildCustomerState({ features: [metered()], updatedAt: 100 }),
  verifiedAt: 100,
  recheckAt: Infinity,
  isVerified: true,
};

let near: MemoryCache;
let coherence: Coherence;

beforeEach(() => {
  near = new MemoryCache(1024 * 1024, newTelemetry());
  coherence = new Coherence(near, "production", { has: () => false });
  coherence.coherent();
});

const isVouchedFor = (subject: { readonly customerId: string; readonly resourceId?: string }) =>
  near.find(subject)?.isVerified;

describe("what a read brought is vouched for", () => {
  it("where nothing was written meanwhile", () => {
    expect(coherence.keep(coherence.begin(ACME), FETCHED).isVerified).toBe(true);
    expect(isVouchedFor(ACME)).toBe(true);
  });

  it("and is kept as stale where Redis told of a write before its reply came", () => {
    const reading = coherence.begin(ACME);
    coherence.invalidated(stateKey("production", ACME));
    coherence.keep(reading, FETCHED);
    expect(isVouchedFor(ACME)).toBe(false);
  });

  it("and is stale where its customer was written to", () => {
    const reading = coherence.begin(SITE);
    coherence.invalidated(stateKey("production", ACME));
    coherence.keep(reading, FETCHED);
    expect(isVouchedFor(SITE)).toBe(false);
  });

  it("where somebody else was written to", () => {
    const reading = coherence.begin(ACME);
    coherence.invalidated(stateKey("production", { customerId: "other" }));
    coherence.keep(reading, FETCHED);
    expect(isVouchedFor(ACME)).toBe(true);
  });

  it("and of two reads the one that began after the write", () => {
    const before = coherence.begin(ACME);
    coherence.invalidated(stateKey("production", ACME));
    const after = coherence.begin(ACME);
    coherence.keep(after, FETCHED);
    expect(isVouchedFor(ACME)).toBe(true);
    coherence.keep(before, FETCHED);
    expect(isVouchedFor(ACME)).toBe(false);
  });

  it("not while Redis tells of no writes", () => {
    coherence.incoherent();
    coherence.keep(coherence.begin(ACME), FETCHED);
    expect(isVouchedFor(ACME)).toBe(false);
  });

  it("not where its source does not vouch for it", () => {
    expect(coherence.keep(coherence.begin(ACME), { ...FETCHED, isVerified: false }).isVerified).toBe(false);
    expect(isVouchedFor(ACME)).toBe(false);
  });
});

describe("what cannot be written to Redis is vouched for", () => {
  it("unless somebody wrote meanwhile", () => {
    const [first, second] = [coherence.begin(ACME), coherence.begin({ customerId: "other" })];
    coherence.invalidated(stateKey("production", ACME));
    coherence.keepAlone(first, FETCHED);
    coherence.keepAlone(second, FETCHED);
    expect([isVouchedFor(ACME), isVouchedFor({ customerId: "other" })]).toEqual([false, true]);
  });
});

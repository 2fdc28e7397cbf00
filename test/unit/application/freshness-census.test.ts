import { describe, expect, it } from "@jest/globals";
import { FreshnessCensus } from "../../../src/application/refresh/freshness-census.js";
import { type Standing, StreamStatus } from "../../../src/domain/freshness/freshness.js";
import { ManualClock } from "../../fakes/manual-clock.js";

const MAX_AGE_MS = 600_000;
const clock = new ManualClock();
const now = clock.now();

function censusOf(holdings: readonly Partial<Standing>[], isConnected = true) {
  const stream = new StreamStatus(30_000, MAX_AGE_MS);
  if (isConnected) stream.connected();
  let passes = 0;
  const cache = {
    *holdings() {
      passes++;
      for (const holding of holdings) yield { verifiedAt: now, recheckAt: Infinity, isVerified: true, ...holding };
    },
  };
  return { census: new FreshnessCensus(cache, stream, clock), passes: () => passes };
}

describe("cached states are counted by their freshness", () => {
  it.each<[string, Partial<Standing>, boolean, string]>([
    ["verified just now", {}, true, "fresh"],
    ["verified before something changed", { isVerified: false }, true, "changed"],
    ["of which an entitlement has ended", { recheckAt: now }, true, "due"],
    ["older than a state may be", { verifiedAt: now - MAX_AGE_MS - 1 }, true, "too_old"],
    ["that nothing vouches for since the stream is lost", { verifiedAt: now - 30_001 }, false, "stream_lost"],
  ])("one %s", async (_, holding, isConnected, expected) => {
    const { fresh, stale } = await censusOf([holding], isConnected).census.count();
    expect(expected === "fresh" ? fresh : stale[expected as keyof typeof stale]).toBe(1);
    expect(fresh + Object.values(stale).reduce((sum, count) => sum + count, 0)).toBe(1);
  });

  it("and the one that was verified longest ago is known", async () => {
    expect(
      (await censusOf([{ verifiedAt: now - 5 }, { verifiedAt: now - 9 }, {}]).census.count()).oldestVerifiedAt,
    ).toBe(now - 9);
    expect((await censusOf([]).census.count()).oldestVerifiedAt).toBeUndefined();
  });

  it("few of them each time, so that the count is as of now", async () => {
    const { census, passes } = censusOf([{}, {}]);
    expect([(await census.count()).fresh, (await census.count()).fresh, passes()]).toEqual([2, 2, 2]);
  });

  it("many of them once for all who ask at the same time, and turns of the event loop in between", async () => {
    const { census, passes } = censusOf(Array.from({ length: 10_000 }, () => ({})));
    let turns = 0;
    let isCounting = true;
    const turn = () => {
      turns++;
      if (isCounting) setImmediate(turn);
    };
    setImmediate(turn);
    const [one, other] = await Promise.all([census.count(), census.count()]);
    isCounting = false;
    expect([one.fresh, other, passes()]).toEqual([10_000, one, 1]);
    expect(turns).toBeGreaterThanOrEqual(9);
    await census.count();
    expect(passes()).toBe(1);
  });
});

import { expect, it } from "@jest/globals";
import { UsageKeyPrediction } from "../../../../../../src/adapters/cache/redis/store/state-reader.js";

const feature = (id: string) => ({ type: "feature", id }) as const;
const credit = (id: string) => ({ type: "credit", id }) as const;

it("knows nothing at first, and then what states kept usages of", () => {
  const guess = new UsageKeyPrediction();
  expect(guess.entitlements).toEqual([]);
  guess.learn([feature("seats"), credit("seats")]);
  guess.learn([feature("calls"), feature("seats")]);
  expect(guess.entitlements).toHaveLength(3);
  expect(guess.entitlements).toEqual(expect.arrayContaining([feature("seats"), credit("seats"), feature("calls")]));
});

it("forgets first what no state has had for the longest", () => {
  const guess = new UsageKeyPrediction(2);
  guess.learn([feature("a"), feature("b")]);
  guess.learn([feature("a")]);
  guess.learn([feature("c")]);
  expect(guess.entitlements).toEqual([feature("a"), feature("c")]);
});

it("stays within its bound where one state alone has more", () => {
  const guess = new UsageKeyPrediction(3);
  guess.learn(Array.from({ length: 10 }, (_, i) => feature(`f${i}`)));
  expect(guess.entitlements).toEqual([feature("f7"), feature("f8"), feature("f9")]);
});

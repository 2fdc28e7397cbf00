import { expect, it } from "@jest/globals";
import { Tally } from "../../../bench/load/tally.js";

function tallyOf(...windows: readonly (readonly number[])[]) {
  const tally = new Tally(false);
  const ended = windows.map((answers) => {
    for (const ms of answers) tally.answered(ms);
    return tally.endWindow();
  });
  return { tally, ended };
}

it("tells of a window what came in it, and nothing of those before", () => {
  const { ended } = tallyOf([1, 1, 30], [2, 2, 2]);
  expect(ended.map(({ max }) => max)).toEqual([30, 2]);
  expect(ended[1]!.p50).toBeCloseTo(2, 1);
});

it("tells of all of them together, and of what came after the last", () => {
  const { tally } = tallyOf([30], [1, 1]);
  tally.answered(4);
  expect(tally.latency()).toMatchObject({ max: 30 });
  expect(tally.latency().p50).toBeCloseTo(1, 1);
  expect(tally.latency().p90).toBeCloseTo(30, 0);
  expect(tally.answers).toBe(4);
});

it("begins anew where it is told to", () => {
  const { tally } = tallyOf([30]);
  tally.begin();
  tally.answered(1);
  expect(tally.latency().max).toBe(1);
});

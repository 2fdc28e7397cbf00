import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { isMet, type Row } from "../../../bench/benchmark.js";
import { Histogram } from "../../../bench/load/histogram.js";
import { KeySequence } from "../../../bench/load/key-sequence.js";
import { barChart } from "../../../bench/report/bar-chart.js";
import { interleaved, median, Rounds } from "../../../bench/rounds.js";

describe("Histogram", () => {
  it("knows percentiles to 2 %, from a microsecond to a minute, and the longest exactly", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
        (durations) => {
          const histogram = new Histogram();
          for (const ms of durations) histogram.add(ms);
          const { p50, p99, max } = histogram.percentiles();
          const sorted = durations.toSorted((a, b) => a - b);
          const exact = (share: number) => sorted[Math.ceil(sorted.length * share) - 1]!;
          expect(max).toBe(sorted.at(-1));
          for (const [found, share] of [
            [p50, 0.5],
            [p99, 0.99],
          ] as const)
            expect(Math.abs(found / exact(share) - 1)).toBeLessThan(0.02);
        },
      ),
    );
  });
});

describe("KeySequence", () => {
  const CUSTOMERS = 1_000;
  const drawn = (distribution: "zipf" | "uniform") => {
    const keys = new KeySequence(distribution, CUSTOMERS);
    const counts = new Map<number, number>();
    for (let draw = 0; draw < 200_000; draw++) {
      const customer = keys.next();
      counts.set(customer, (counts.get(customer) ?? 0) + 1);
    }
    return [...counts.values()].sort((a, b) => b - a);
  };

  it("asks by Zipf's law for the second half as often as for the first, for the tenth a tenth as often", () => {
    const counts = drawn("zipf");
    expect(counts[0]! / counts[1]!).toBeCloseTo(2, 0);
    expect(counts[0]! / counts[9]!).toBeGreaterThan(8);
    expect(counts[0]! / counts[9]!).toBeLessThan(12);
  });

  it("asks uniformly for everyone about as often", () => {
    const counts = drawn("uniform");
    expect(counts).toHaveLength(CUSTOMERS);
    expect(counts[0]!).toBeLessThan(2 * counts.at(-1)!);
  });
});

describe("Rounds", () => {
  it("tells the median, and the median of each round's ratio", async () => {
    const rounds = new Rounds<"a" | "b">();
    // The machine is slower from round to round, for both.
    const [a, b] = [[90, 40, 30].values(), [100, 50, 20].values()];
    const turn = (name: "a" | "b", values: Iterator<number>) => () => {
      rounds.add(name, Number(values.next().value));
      return Promise.resolve();
    };
    await interleaved(3, [turn("a", a), turn("b", b)]);
    expect({ a: rounds.median("a"), b: rounds.median("b"), ratio: rounds.ratio("a", "b") }).toEqual({
      a: 40,
      b: 50,
      ratio: 0.9,
    });
  });

  it("takes the middle of two", () => expect(median([4, 1, 3, 2])).toBe(2.5));
});

describe("a target", () => {
  const row = (value: number, target: Row["target"]): Row => ({ what: "", value, unit: "x", target });

  it.each([
    [row(0.92, { atLeast: 0.92 }), true],
    [row(0.91, { atLeast: 0.92 }), false],
    [row(50, { atMost: 50 }), true],
    [row(51, { atMost: 50 }), false],
    [row(Number.NaN, { atMost: 50 }), false],
    [row(1, undefined), undefined],
  ])("%j is met: %s", (figure, expected) => expect(isMet(figure)).toBe(expected));
});

describe("barChart", () => {
  it("draws one bar a figure, in proportion, and keeps names out of the markup", () => {
    const rows: Row[] = [
      { what: "a <peer> & co", value: 40_000, unit: "per second" },
      { what: "own", value: 20_000, unit: "per second" },
    ];
    const svg = barChart({ title: "Checks", footnote: "here", rows, ownName: "own" });
    const widths = [...svg.matchAll(/<rect class="(\w+)" .*? width="(\d+)"/g)].map(
      ([, kind, width]) => [kind, Number(width)] as const,
    );
    expect(widths.map(([kind]) => kind)).toEqual(["bar", "own"]);
    expect(widths[0]![1]).toBe(2 * widths[1]![1]);
    expect(svg).toContain("a &lt;peer> &amp; co");
    expect(svg).toContain("40,000/s");
  });
});

import { describe, expect, it } from "@jest/globals";
import { KINDS } from "../../model/kinds/all-kinds.js";
import { compare, repeat } from "../../model/main.js";
import { shrink } from "../../model/shrink.js";
import { because } from "../../support/expectations.js";

describe("product and model answer the same", () => {
  it.each(KINDS.map((kind) => [kind.name, kind] as const))(
    "in cases of the kind %s that are the same each time",
    async (name, kind) => {
      const { found } = await compare(name === "redis" || name === "reports" ? 150 : 1_500, 1, [kind]);
      expect(found).toEqual([]);
    },
  );

  it("in cases of all kinds that are others each time", async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const { found } = await compare(1_000, seed);
    because(`npm run model -- --cases 1000 --seed ${seed}`, () => expect(found).toEqual([]));
  });

  it("and a case that was printed is distinguished again", async () => {
    const differs = {
      name: "decisions",
      share: 1,
      generate: () => ({ numbers: [5, 7] }),
      run: () => ({ at: "here", product: 1, model: 2 }),
    };
    const { found } = await compare(1, 1, [differs]);
    expect(found).toEqual([
      { kind: "decisions", testCase: { numbers: [] }, difference: { at: "here", product: 1, model: 2 } },
    ]);
    await expect(repeat("periods", JSON.stringify({ anchor: 0, reset: "DAY", now: 1 }))).resolves.toBeUndefined();
  });
});

describe("a case is shrunk", () => {
  it("to what it cannot do without", async () => {
    const smallest = await shrink({ items: [1, 2, 300, 4], usageLimit: 8, now: 2e12 }, ({ items }) =>
      Promise.resolve(items.some((item) => item >= 100)),
    );
    expect(smallest).toEqual({ items: [300], now: 2e12 });
  });
});

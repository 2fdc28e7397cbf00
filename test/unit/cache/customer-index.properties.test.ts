import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CustomerIndex } from "../../../src/adapters/cache/customer-index.js";

describe("CustomerIndex", () => {
  it("finds what a Map would, however many ids have one hash or neighbouring ones", () => {
    const operations = fc.array(fc.record({ isAdded: fc.boolean(), number: fc.nat(40) }), { maxLength: 200 });
    const hashes = fc.constantFrom(() => 7, (number: number) => number, (number: number) => -1 - (number >> 2), (number: number) => number << 28);
    fc.assert(
      fc.property(operations, hashes, (all, hashOf) => {
        const index = new CustomerIndex();
        const rows = new Map<string, number>();
        for (const { isAdded, number } of all) {
          const id = `customer ${number}`;
          const row = rows.get(id);
          if (isAdded && row === undefined) rows.set(id, index.add(id, hashOf(number)));
          if (!isAdded && row !== undefined) {
            index.remove(row, hashOf(number));
            rows.delete(id);
          }
          expect(index.size).toBe(rows.size);
        }
        for (let number = 0; number <= 40; number++) {
          const id = `customer ${number}`;
          expect(index.find(id, hashOf(number))).toBe(rows.get(id) ?? -1);
        }
        for (const [id, row] of rows) expect(index.idIn(row)).toBe(id);
        expect(new Set(rows.values()).size).toBe(rows.size);
        expect(index.rowCount).toBeGreaterThanOrEqual(rows.size);
      }),
    );
  });

  it("gives the rows that were freed to those who come next", () => {
    const index = new CustomerIndex();
    for (let number = 0; number < 1_000; number++) {
      const row = index.add(`customer ${number}`, number);
      if (number % 10 !== 0) index.remove(row, number);
    }
    expect(index.size).toBe(100);
    expect(index.rowCount).toBeLessThanOrEqual(101);
  });
});

import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { CustomerTable } from "../../../../../src/adapters/cache/memory/customer-table.js";

const CUSTOMERS = 40;

describe("CustomerTable", () => {
  it("finds what a Map would, however many ids have one hash or neighbouring ones", () => {
    const operations = fc.array(fc.record({ isAdded: fc.boolean(), number: fc.nat(CUSTOMERS) }), { maxLength: 200 });
    const hashes = fc.constantFrom(
      () => 7,
      (number: number) => number + 1,
      (number: number) => -1 - (number >> 2),
      (number: number) => (number << 27) | 1,
    );
    fc.assert(
      fc.property(operations, hashes, (all, hashOf) => {
        const table = new CustomerTable();
        const marks = new Map<string, number>();
        for (const [round, { isAdded, number }] of all.entries()) {
          const id = `customer ${number}`;
          const at = table.find(id, hashOf(number));
          expect(at >= 0).toBe(marks.has(id));
          if (isAdded && at < 0) {
            table.setMark(table.add(id, hashOf(number)), round);
            marks.set(id, round);
          }
          if (!isAdded && at >= 0) {
            table.remove(at);
            marks.delete(id);
          }
          expect(table.size).toBe(marks.size);
        }
        for (let number = 0; number <= CUSTOMERS; number++) {
          const id = `customer ${number}`;
          const at = table.find(id, hashOf(number));
          expect(at < 0 ? undefined : [table.idAt(at), table.markAt(at)]).toEqual(
            marks.has(id) ? [id, marks.get(id)] : undefined,
          );
        }
        expect([...table.ids()].sort()).toEqual([...marks.keys()].sort());
      }),
    );
  });

  it("comes by everyone once on a way round", () => {
    const table = new CustomerTable();
    for (let number = 1; number <= CUSTOMERS; number++) table.add(`customer ${number}`, number * 3);
    const seen: string[] = [];
    let at = 0;
    do {
      const id = table.idAt(at);
      if (id !== undefined) seen.push(id);
      at = table.next(at);
    } while (at !== 0);
    expect(seen.sort()).toEqual([...table.ids()].sort());
    expect(seen).toHaveLength(CUSTOMERS);
  });
});

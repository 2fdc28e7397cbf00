import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { RecordTable, RecordTableBuilder } from "../../../../../src/adapters/catalog/model/record-table.js";

/** Also ids that are no well-formed Unicode, and such that differ in one code unit alone. */
const anyId = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "\ud800", "\udc00", "\ufffd", "a\ud800", "a\ufffd", "__proto__"),
);
const anyRecords = fc.array(fc.tuple(anyId, fc.record({ value: fc.jsonValue() })), { maxLength: 60 });

function tableOf(records: readonly (readonly [string, object])[]): RecordTable {
  const builder = new RecordTableBuilder();
  for (const [id, value] of records) builder.add(id, value);
  return builder.finish();
}

describe("a table of records", () => {
  it("has what a map of the first of each id has, in its order", () => {
    fc.assert(
      fc.property(anyRecords, anyId, (records, other) => {
        const map = new Map<string, unknown>();
        const builder = new RecordTableBuilder();
        for (const [id, value] of records) {
          expect(builder.add(id, value)).toBe(!map.has(id));
          if (!map.has(id)) map.set(id, JSON.parse(JSON.stringify(value)));
        }
        const table = new RecordTable(structuredClone(builder.finish().parts));
        expect([...table.keys()]).toEqual([...map.keys()]);
        expect([...map.keys()].map((id) => table.valueAt(table.indexOf(id)))).toEqual([...map.values()]);
        if (!map.has(other)) expect(table.indexOf(other)).toBe(-1);
      }),
    );
  });

  it("knows which records are written alike in another", () => {
    fc.assert(
      fc.property(anyRecords, anyRecords, (records, others) => {
        const [table, other] = [tableOf(records), tableOf(others)];
        for (let index = 0; index < table.size; index++) {
          for (let at = 0; at < other.size; at++) {
            expect(table.isSame(index, other, at)).toBe(
              JSON.stringify(table.valueAt(index)) === JSON.stringify(other.valueAt(at)),
            );
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it("holds many", () => {
    const table = tableOf(Array.from({ length: 20_000 }, (_, index) => [`customer-${index}`, { index }] as const));
    expect(table.size).toBe(20_000);
    for (const index of [0, 1, 9_999, 19_999])
      expect(table.valueAt(table.indexOf(`customer-${index}`))).toEqual({ index });
  });
});

import fc from "fast-check";
import { expect, it } from "vitest";
import { StreamTable } from "../../../src/adapters/rpc/http2/stream-table.js";
import { NodeStream } from "../../../src/adapters/rpc/http2/streams.js";

const WINDOW = 65_535;

/** A step picks one of the streams that have ever begun. */
const steps = fc.array(fc.record({ what: fc.constantFrom("add", "add", "replace", "delete", "clear"), which: fc.nat() }), { maxLength: 60 });

it("streams are found as in a Map, whichever ends or is replaced first", () => {
  fc.assert(
    fc.property(steps, (steps) => {
      const table = new StreamTable();
      const model = new Map<number, NodeStream>();
      let next = 1;
      for (const { what, which } of steps) {
        const id = 1 + 2 * (which % Math.max(1, (next - 1) / 2));
        if (what === "add") {
          const stream = new NodeStream(next, WINDOW, false);
          table.add(stream);
          model.set(next, stream);
          next += 2;
        } else if (what === "replace" && model.has(id)) {
          const stream = new NodeStream(id, WINDOW, true);
          table.replace(stream);
          model.set(id, stream);
        } else if (what === "delete") {
          table.delete(id);
          model.delete(id);
        } else if (what === "clear") {
          table.clear();
          model.clear();
        }
        expect(table.size).toBe(model.size);
        expect(table.all()).toEqual([...model.values()]);
        for (let id = 1; id <= next; id += 2) expect(table.get(id)).toBe(model.get(id));
      }
    }),
  );
});

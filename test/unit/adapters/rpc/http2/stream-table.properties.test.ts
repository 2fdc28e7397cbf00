import { expect, it } from "@jest/globals";
import fc from "fast-check";
import { HeaderList } from "../../../../../src/adapters/rpc/http2/hpack/header-table.js";
import { Http2Stream, StreamTable } from "../../../../../src/adapters/rpc/http2/streams/http2-stream.js";

const streamOf = (id: number) =>
  new Http2Stream(id, new HeaderList([], false), 65_535, { respond: () => undefined, released: () => undefined });

/** A step picks one of the streams that have ever begun. */
const steps = fc.array(fc.record({ what: fc.constantFrom("add", "add", "delete", "clear"), which: fc.nat() }), {
  maxLength: 60,
});

it("streams are found as in a Map, whichever ends first", () => {
  fc.assert(
    fc.property(steps, (steps) => {
      const table = new StreamTable();
      const model = new Map<number, Http2Stream>();
      let next = 1;
      for (const { what, which } of steps) {
        const id = 1 + 2 * (which % Math.max(1, (next - 1) / 2));
        if (what === "add") {
          const stream = streamOf(next);
          table.add(stream);
          model.set(next, stream);
          next += 2;
        } else if (what === "delete") {
          table.delete(id);
          model.delete(id);
        } else {
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

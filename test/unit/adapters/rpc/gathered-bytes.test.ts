import fc from "fast-check";
import { describe, expect, it } from "@jest/globals";
import { GatheredBytes } from "../../../../src/adapters/rpc/exchange/gathered-bytes.js";

function takenOut(gathered: GatheredBytes): Buffer[] {
  const pieces: Buffer[] = [];
  for (let piece = gathered.take(); piece !== undefined; piece = gathered.take()) pieces.push(piece);
  return pieces;
}

describe("bytes that arrive in parts", () => {
  const parts = fc.array(
    fc.oneof(fc.uint8Array({ maxLength: 5 }), fc.uint8Array({ minLength: 100, maxLength: 9_000 })),
    { maxLength: 40 },
  );

  it("are the same in their order, in one piece and in several, also where some are taken out meanwhile", () => {
    fc.assert(
      fc.property(parts, fc.array(fc.nat({ max: 40 })), (all, takes) => {
        const gathered = new GatheredBytes();
        const early: Buffer[] = [];
        let sent = 0;
        for (const [index, part] of all.entries()) {
          gathered.add(part);
          sent += part.length;
          if (takes.includes(index)) early.push(...[gathered.take()].filter((piece) => piece !== undefined));
          const taken = early.reduce((sum, { length }) => sum + length, 0);
          expect(gathered.length).toBe(sent - taken);
          expect(Buffer.concat([...early, gathered.all])).toEqual(Buffer.concat(all.slice(0, index + 1)));
          expect(gathered.first).toEqual(gathered.all.subarray(0, gathered.first.length));
          expect(gathered.first.length).toBeGreaterThanOrEqual(Math.min(gathered.length, 64));
        }
        expect(Buffer.concat([...early, ...takenOut(gathered)])).toEqual(Buffer.concat(all));
        expect(gathered.length).toBe(0);
      }),
    );
  });

  it("are copies: what was added may be written over", () => {
    const gathered = new GatheredBytes();
    const part = Buffer.of(1, 2);
    gathered.add(part);
    part.fill(9);
    expect(gathered.all).toEqual(Buffer.of(1, 2));
  });

  it("are put together where they are small: 10,000 bytes by themselves take three blocks", () => {
    const gathered = new GatheredBytes();
    for (let at = 0; at < 10_000; at++) gathered.add(Buffer.of(at));
    expect(takenOut(gathered).map(({ length }) => length)).toEqual([4_096, 4_096, 1_808]);
  });
});

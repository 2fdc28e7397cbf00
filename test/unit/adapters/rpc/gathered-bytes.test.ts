import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { GatheredBytes } from "../../../../src/adapters/rpc/exchange/request-body.js";

function takenOut(gathered: GatheredBytes): Buffer[] {
  const pieces: Buffer[] = [];
  for (let piece = gathered.take(); piece !== undefined; piece = gathered.take()) pieces.push(piece);
  return pieces;
}

describe("bytes that arrive in parts", () => {
  // Lengths, and not bytes: fast-check makes no long arrays by itself, and does not print them well.
  const lengths = fc.array(fc.oneof(fc.nat({ max: 5 }), fc.integer({ min: 100, max: 9_000 })), { maxLength: 40 });

  it("are the same in their order, in one piece and in several, also where some are taken out meanwhile", () => {
    fc.assert(
      fc.property(lengths, fc.array(fc.nat({ max: 40 })), (all, takes) => {
        const gathered = new GatheredBytes();
        const early: Buffer[] = [];
        const sent: Buffer[] = [];
        for (const [index, length] of all.entries()) {
          const part = Buffer.alloc(length, index);
          gathered.add(part);
          sent.push(part);
          if (takes.includes(index)) early.push(...[gathered.take()].filter((piece) => piece !== undefined));
          const rest = Buffer.concat(sent).subarray(early.reduce((sum, { length }) => sum + length, 0));
          expect(gathered.length).toBe(rest.length);
          expect(gathered.all.equals(rest)).toBe(true);
          expect(gathered.first.equals(rest.subarray(0, gathered.first.length))).toBe(true);
          expect(gathered.first.length).toBeGreaterThanOrEqual(Math.min(rest.length, 64));
        }
        expect(Buffer.concat([...early, ...takenOut(gathered)]).equals(Buffer.concat(sent))).toBe(true);
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

import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { MemoryAccount, Shareable, SharedPool } from "../../../../../src/adapters/cache/memory/shared-pool.js";

/** Few hashes, so that many values have the same. */
class Text extends Shareable {
  readonly text: string;
  readonly hash: number;
  isShared = false;

  constructor(text: string) {
    super();
    this.text = text;
    this.hash = text.length;
  }

  get bytes(): number {
    return this.isShared ? 100 : 10;
  }

  override becomeShared(): void {
    this.isShared = true;
  }

  override becomeSole(): void {
    this.isShared = false;
  }
}

describe("SharedPool", () => {
  const operations = fc.array(fc.record({ isHeld: fc.boolean(), text: fc.constantFrom("a", "b", "c", "aa", "bb") }), {
    maxLength: 60,
  });

  it("has each value once, for as long as it is held, also among others with its hash", () => {
    fc.assert(
      fc.property(operations, (all) => {
        const account = new MemoryAccount();
        const pool = new SharedPool<Text>(account);
        const held = new Map<Text, number>();
        const find = (text: string) => pool.find(text.length, (value) => value.text === text);
        for (const { isHeld, text } of all) {
          const found = find(text);
          if (isHeld) {
            const value = pool.hold(found ?? pool.add(new Text(text)));
            held.set(value, (held.get(value) ?? 0) + 1);
          } else if (found !== undefined) {
            const left = held.get(found)! - 1;
            expect(pool.release(found)).toBe(left === 0);
            if (left === 0) held.delete(found);
            else held.set(found, left);
            expect(pool.has(found)).toBe(left > 0);
          }
          for (const [value, holders] of held) {
            expect(find(value.text)).toBe(value);
            expect(value.isShared).toBe(holders > 1);
          }
          expect(account.bytes === 0).toBe(held.size === 0);
        }
        for (const [value, holders] of held) for (let left = holders; left > 0; left--) pool.release(value);
        expect(account.bytes).toBe(0);
      }),
    );
  });
});

import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { HalfSentBudget, RequestBody } from "../../../../../src/adapters/rpc/exchange/request-body.js";

const MIB = 1024 * 1024;
const MESSAGE = 4 * MIB;

/** How much a connection can hold in pieces of a window. */
function fill(allotment: { take(bytes: number): boolean }, most = Infinity): number {
  let held = 0;
  while (held < most && allotment.take(65_535)) held += 65_535;
  return held;
}

describe("what requests that are not served hold", () => {
  it("is at most two of the largest messages on one connection", () => {
    const held = fill(new HalfSentBudget().allotment(MESSAGE));
    expect(held).toBeGreaterThan(MESSAGE);
    expect(held).toBeLessThanOrEqual(2 * MESSAGE);
  });

  it("is bounded for the process, and connections that hold little still get theirs where greedy ones have taken their share", () => {
    const budget = new HalfSentBudget();
    for (let connection = 0; connection < 50; connection++) fill(budget.allotment(MESSAGE));
    expect(budget.bytes).toBeLessThanOrEqual(64 * MIB);
    expect(budget.allotment(MESSAGE).take(100_000)).toBe(true);
  });

  it("is given back to the byte, whatever is taken and given", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 5 * MIB })), { maxLength: 50 }), (takes) => {
        const budget = new HalfSentBudget();
        const connections = Array.from({ length: 5 }, () => ({ allotment: budget.allotment(MESSAGE), held: 0 }));
        for (const [index, bytes] of takes) {
          const connection = connections[index]!;
          if (connection.allotment.take(bytes)) connection.held += bytes;
          expect(budget.bytes).toBe(connections.reduce((sum, { held }) => sum + held, 0));
        }
        for (const { allotment, held } of connections) allotment.give(held);
        expect(budget.bytes).toBe(0);
      }),
    );
  });
});

describe("a request's body", () => {
  const chunk = (bytes: number) => Buffer.alloc(bytes, 1);
  const bodyOf = (budget = new HalfSentBudget()) => {
    const credits: number[] = [];
    return {
      body: new RequestBody({ credit: (bytes) => credits.push(bytes) }, budget.allotment(MESSAGE)),
      credits,
      budget,
    };
  };

  it("is read in its order, and credited as it is read and not before", async () => {
    const { body, credits } = bodyOf();
    const parts = [chunk(5_000), Buffer.alloc(3_000, 2)];
    for (const part of parts) body.push(part);
    expect(credits).toEqual([]);
    body.end();
    const read: Uint8Array[] = [];
    for await (const part of body) read.push(part);
    expect(read).toEqual(parts);
    expect(credits).toEqual([5_000, 3_000]);
  });

  it("wakes who waits for it: by a chunk, by its end, by its failure", async () => {
    const { body } = bodyOf();
    const first = body.next();
    body.push(chunk(3));
    expect((await first).value).toHaveLength(3);
    const last = body.next();
    body.end();
    expect((await last).done).toBe(true);
    const failing = bodyOf().body;
    const waiting = failing.next();
    failing.fail(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    await expect(failing.next()).rejects.toThrow("gone");
  });

  it("is refused with a code and a remedy where its connection holds too much, and what it held is free once it is served", async () => {
    const { body, budget } = bodyOf();
    for (let part = 0; part < 200; part++) body.push(chunk(65_535));
    const read = async () => {
      for await (const part of body) expect(part.length).toBeGreaterThan(0);
    };
    await expect(read()).rejects.toMatchObject({
      code: "resource-exhausted",
      message: expect.stringContaining("one after the other"),
    });
    body.release();
    expect(budget.bytes).toBe(0);
  });

  it("of a stream in both directions holds only what is not read", async () => {
    const { body, budget } = bodyOf();
    body.releaseAsRead();
    for (let message = 0; message < 1_000; message++) {
      body.push(chunk(65_535));
      await body.next();
    }
    expect(budget.bytes).toBe(0);
  });

  it("that nobody reads any more is dropped as it comes", async () => {
    const { body, budget } = bodyOf();
    body.push(chunk(10));
    await body.return();
    body.push(chunk(10));
    expect(budget.bytes).toBe(0);
    expect((await body.next()).done).toBe(true);
  });
});

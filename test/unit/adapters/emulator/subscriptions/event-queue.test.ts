import { expect, it } from "@jest/globals";
import { EventQueue } from "../../../../../src/adapters/emulator/subscriptions/feed-subscription.js";

it("hands out what was pushed, in order, before and after it is asked", async () => {
  const queue = new EventQueue<number>();
  queue.push(1);
  queue.push(2);
  expect([await queue.next(), await queue.next()]).toEqual([1, 2]);
  const asked = queue.next();
  queue.push(3);
  expect(await asked).toBe(3);
});

it("does not take more than a reader that reads is ever behind", () => {
  const queue = new EventQueue<number>();
  let taken = 0;
  while (queue.push(taken) && taken < 1_000_000) taken++;
  expect(taken).toBe(10_000);
});

it("ends whoever waits, forgets what waits, and stays ended", async () => {
  const waiting = new EventQueue<number>();
  const asked = waiting.next();
  waiting.end();
  expect(await asked).toBeUndefined();
  const full = new EventQueue<number>();
  full.push(1);
  full.end();
  expect(full.push(2)).toBe(true);
  expect(await full.next()).toBeUndefined();
});

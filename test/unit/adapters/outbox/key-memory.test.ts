import { expect, it } from "@jest/globals";
import { digestOfUsage, KeyMemory } from "../../../../src/adapters/outbox/key-memory.js";
import type { KeyDigest } from "../../../../src/domain/outbox/outbox-record.js";
import { usageReport } from "../../../builders/reports.js";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 0, 1);

/** Four of them each begin their search at the same place. */
const digest = (number: number, content = number): KeyDigest => [
  Math.imul(number >>> 2, 0x9e37_79b1) >>> 0,
  number,
  0x8000_0000 + number,
  0,
  content,
];

/** More than one generation holds. */
const COUNT = 60_000;

it("knows each key again, and what was said under it, however many there are", () => {
  const keys = new KeyMemory(25 * HOUR);
  for (let number = 0; number < COUNT; number++) keys.remember(digest(number), NOW);
  expect(keys.count).toBe(COUNT);
  const found = { unknown: 0, same: 0, other: 0 };
  for (let number = 0; number < COUNT; number++) {
    found[keys.find(digest(number), NOW)]++;
    found[keys.find(digest(number, COUNT), NOW)]++;
    found[keys.find(digest(number + COUNT), NOW)]++;
  }
  expect(found).toEqual({ unknown: COUNT, same: COUNT, other: COUNT });
});

it("forgets what was taken back, also where it grows after that, and finds what lies behind it", () => {
  const keys = new KeyMemory(25 * HOUR);
  for (let number = 0; number < 400; number++) keys.remember(digest(number), NOW);
  for (let number = 0; number < 400; number += 2) keys.forget(digest(number));
  for (let number = 400; number < 5_000; number++) keys.remember(digest(number), NOW);
  const found = Array.from({ length: 400 }, (_, number) => keys.find(digest(number), NOW));
  expect(found).toEqual(found.map((_, number) => (number % 2 === 0 ? "unknown" : "same")));
});

it("lets go of keys that are too old", () => {
  const keys = new KeyMemory(HOUR);
  for (let number = 0; number < COUNT; number++) keys.remember(digest(number), NOW);
  expect(keys.find(digest(1), NOW + 2 * HOUR)).toBe("unknown");
  keys.expire(NOW + 2 * HOUR);
  expect(keys.count).toBeLessThan(COUNT);
});

it("makes of a key what it always made of it: files hold digests for a day, and outlast an update", () => {
  const report = usageReport({
    subject: { customerId: "acme", resourceId: "site" },
    featureId: "seats",
    value: 2,
    updateBehavior: "DELTA",
    dimensions: new Map([["region", "eu"]]),
    idempotencyKey: "key-1",
  });
  expect(digestOfUsage(report)).toEqual([3580305008, 1054698853, 497568231, 3520118332, 4074896747]);
});

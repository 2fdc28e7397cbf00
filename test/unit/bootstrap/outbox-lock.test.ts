import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { lockOutbox } from "../../../src/bootstrap/sidecar/outbox.js";

let folder: string;
let directory: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "outbox-lock-"));
  directory = join(folder, "outbox");
});
afterEach(() => rm(folder, { recursive: true }));

it("the lock of an outbox is taken once", () => {
  const lock = lockOutbox(directory);
  expect(lock.isHeld()).toBe(true);
  expect(() => lockOutbox(directory)).toThrow(/another process has the outbox/);
  lock.release();
  lockOutbox(directory).release();
});

it("the lock of an outbox whose directory was made anew is taken again, unless another came before", async () => {
  const first = lockOutbox(directory);
  await rm(directory, { recursive: true });
  expect(() => first.isHeld()).toThrow(/ENOENT/);
  const second = lockOutbox(directory);
  expect(first.isHeld()).toBe(false);
  second.release();
  expect(first.isHeld()).toBe(true);
  await rm(directory, { recursive: true });
  await mkdir(directory);
  expect(first.isHeld()).toBe(true);
  expect(() => lockOutbox(directory)).toThrow(/another process has the outbox/);
  first.release();
});

it("the directory of an outbox is made with those above it, or refused at once where nothing can be made", () => {
  const nested = join(directory, "a", "b");
  lockOutbox(nested).release();
  lockOutbox(nested).release();
  if (existsSync("/proc/self"))
    expect(() => lockOutbox("/proc/outbox/a")).toThrow(/^USAGE_OUTBOX_DIR: .*cannot be used \(ENOENT/);
  expect(() => lockOutbox(join(nested, "lock"))).toThrow(/cannot be used \(EEXIST/);
});

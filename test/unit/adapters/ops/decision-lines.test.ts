import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, describe, expect, it } from "@jest/globals";
import { DecisionLines } from "../../../../src/adapters/ops/decision-lines.js";
import type { LoggedDecision } from "../../../../src/ports/checks.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";
import { onTestFinished } from "../../../support/on-test-finished.js";

const DENIAL: LoggedDecision = {
  customerId: "acme",
  resourceId: undefined,
  type: "feature",
  id: "seats",
  requestedUsage: undefined,
  requestedValues: undefined,
  hasAccess: false,
  reason: undefined,
  isFallback: false,
  source: "memory",
  verifiedAt: undefined,
  used: undefined,
  limit: undefined,
};

it("are rotated where a link leads to, and the link stays", async () => {
  const folder = mkdtempSync(join(tmpdir(), "decisions-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "volume"));
  const link = join(folder, "decisions");
  symlinkSync(join("volume", "decisions"), link);
  const clock = new ManualClock();
  const lines = new DecisionLines(
    { file: link, maxBytes: 100, output: new PassThrough() },
    clock,
    new RecordingLogger(),
  );
  for (let count = 0; count < 3; count++) {
    lines.write(DENIAL);
    await lines.close();
  }
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readdirSync(join(folder, "volume")).sort()).toEqual(["decisions", "decisions.1", "decisions.2"]);
});

it("are not said to be logged again where the process ends before one could be", async () => {
  const folder = mkdtempSync(join(tmpdir(), "decisions-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const logger = new RecordingLogger();
  const clock = new ManualClock();
  const lines = new DecisionLines(
    { file: join(folder, "not-there", "decisions"), maxBytes: 1_000, output: new PassThrough() },
    clock,
    logger,
  );
  lines.write(DENIAL);
  clock.advance(1_000);
  await lines.close();
  expect({ written: lines.written, lost: lines.lost }).toEqual({ written: 0, lost: 1 });
  expect(logger.lines.map(({ level }) => level)).toEqual(["warn"]);
});

describe("the file of decisions", () => {
  const folder = mkdtempSync(join(tmpdir(), "decisions-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ["lies in no directory", () => join(folder, "not-there", "decisions"), "no such file or directory"],
    ["is a directory", () => folder, "EISDIR"],
    ["is a pipe that nobody reads", () => unreadPipe(folder), "ENXIO"],
  ])("cannot be opened where it %s", async (_, fileOf, reason) => {
    const lines = new DecisionLines(
      { file: fileOf(), maxBytes: 1_000, output: new PassThrough() },
      new ManualClock(),
      new RecordingLogger(),
    );
    const opening = lines.open();
    await expect(opening).rejects.toThrow(reason);
    await expect(opening).rejects.toMatchObject({ code: "failed-precondition" });
  });

  it("says what is wrong with it, as long as it is, and begins a line of its own afterwards", async () => {
    const file = join(folder, "later", "decisions");
    const lines = new DecisionLines(
      { file, maxBytes: 1_000, output: new PassThrough() },
      new ManualClock(),
      new RecordingLogger(),
    );
    lines.write(DENIAL);
    await lines.close();
    expect(lines.fault).toMatch(/cannot be logged.*ENOENT/);
    mkdirSync(join(folder, "later"));
    writeFileSync(file, '{"a line":"that a full disk');
    lines.write(DENIAL);
    await lines.close();
    expect(lines.fault).toBeUndefined();
    expect(
      readFileSync(file, "utf8")
        .split("\n")
        .map((line) => line.slice(0, 13)),
    ).toEqual(['{"a line":"th', '{"timestamp":', ""]);
  });

  function unreadPipe(inFolder: string): string {
    const pipe = join(inFolder, "pipe");
    execFileSync("mkfifo", [pipe]);
    return pipe;
  }
});

import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { LastGoodFile, UnreadableFileError } from "../../../../src/adapters/files/last-good-file.js";
import { CodedError } from "../../../../src/domain/errors.js";
import { FakeFile } from "../../../fakes/fake-file.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

const FILE = "numbers.txt";
const WORDS = {
  called: "the file of numbers",
  meanwhile: "the last good numbers stay in use",
  changed: "the numbers changed",
};

function readNumbers(file: string, bytes: Buffer): readonly number[] {
  if (bytes.includes("bug")) throw new TypeError("a defect");
  if (bytes.includes("end")) throw new CodedError("cancelled", "of no interest any more");
  return bytes
    .toString()
    .trim()
    .split(/\s+/)
    .map((text) => {
      if (!/^\d+$/.test(text)) throw new CodedError("invalid-argument", `${file}: ${text} is no number: write digits`);
      return Number(text);
    });
}

let file: FakeFile;
let clock: ManualClock;
let logger: RecordingLogger;
let opened: LastGoodFile<readonly number[]> | undefined;

beforeEach(() => {
  file = new FakeFile("1 2\n");
  clock = new ManualClock();
  logger = new RecordingLogger();
});
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

async function open(): Promise<LastGoodFile<readonly number[]>> {
  const describe = ({ length }: readonly number[]) => ({ numbers: length });
  opened = await LastGoodFile.open({
    file: FILE,
    words: WORDS,
    read: readNumbers,
    describe,
    clock,
    logger,
    files: file,
  });
  return opened;
}

/** Until the file has been looked at, often enough for it to have rested. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 25) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(25);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const lines = () => logger.lines.map(({ level, message, fields }) => [level, message, fields]);

describe("a file that is followed", () => {
  it("is what it says, and another generation of it with each good content", async () => {
    const numbers = await open();
    expect([numbers.value, numbers.generation]).toEqual([[1, 2], 0]);
    file.replace(Buffer.from("3\n"));
    await pass(5_000);
    expect([numbers.value, numbers.generation]).toEqual([[3], 1]);
    expect(lines()).toEqual([["info", "the numbers changed", { file: FILE, numbers: 1 }]]);
  });

  it("stays what it was while it has a fault, which is logged with its remedy, as is its end", async () => {
    const numbers = await open();
    file.replace(Buffer.from("3 x\n"));
    await pass(5_000);
    expect([numbers.value, numbers.generation]).toEqual([[1, 2], 0]);
    file.replace(Buffer.from("4\n"));
    await pass(5_000);
    expect(numbers.value).toEqual([4]);
    expect(lines()).toEqual([
      [
        "error",
        `${FILE}: x is no number: write digits\nThe last good numbers stay in use until the file is corrected.`,
        { file: FILE },
      ],
      ["error", "the numbers changed", { file: FILE, numbers: 1, isRecovery: true }],
    ]);
  });

  it("stays what it was while it cannot be read", async () => {
    const numbers = await open();
    file.remove();
    await pass(5_000);
    expect(numbers.value).toEqual([1, 2]);
    expect(lines()).toEqual([
      [
        "error",
        "the file of numbers numbers.txt cannot be read any more; the last good numbers stay in use until the file is back",
        { file: FILE, error: new Error("ENOENT: no such file") },
      ],
    ]);
  });

  it("logs a defect of its reader with its error", async () => {
    await open();
    file.replace(Buffer.from("bug\n"));
    await pass(5_000);
    expect(lines()).toEqual([
      [
        "error",
        "the file of numbers numbers.txt could not be applied\nThe last good numbers stay in use until the file is corrected.",
        { file: FILE, error: new TypeError("a defect") },
      ],
    ]);
  });

  it("says nothing of a content that is of no interest any more", async () => {
    const numbers = await open();
    file.replace(Buffer.from("end\n"));
    await pass(5_000);
    expect([numbers.value, lines()]).toEqual([[1, 2], []]);
  });

  it("is compared with what was last good, and not with what had a fault", async () => {
    const numbers = await open();
    file.truncate();
    file.append(Buffer.from("1 2\n3 4\nx\n"));
    await pass(5_000);
    expect(lines()).toEqual([["error", expect.stringContaining("x is no number"), { file: FILE }]]);
    file.truncate();
    file.append(Buffer.from("1 2\n3 4\n"));
    // As long as it takes where the end is not known. Compared with the fault it would look like a part of it.
    await pass(900);
    expect(numbers.value).toEqual([1, 2, 3, 4]);
  });

  it("that was written just now is opened once it has rested", async () => {
    file.writtenAt = clock.now();
    file.onRead = () => {
      file.append(Buffer.from("3 4\n"));
      clock.advance(500);
    };
    expect((await open()).value).toEqual([1, 2, 3, 4]);
  });

  it("that changes while it is opened is read again", async () => {
    const isStill = file.isStill.bind(file);
    file.isStill = (name, content) => {
      file.isStill = isStill;
      file.append(Buffer.from("3 4\n"));
      return isStill(name, content);
    };
    expect((await open()).value).toEqual([1, 2, 3, 4]);
  });

  it("from the future is opened at once: clocks of two machines differ", async () => {
    file.writtenAt = clock.now() + 3_600_000;
    expect((await open()).value).toEqual([1, 2]);
  });

  it.each([
    [
      "cannot be read",
      () => file.remove(),
      UnreadableFileError,
      /^the file of numbers numbers\.txt cannot be read: ENOENT/,
    ],
    ["has a fault", () => file.replace(Buffer.from("x")), CodedError, /^numbers\.txt: x is no number/],
  ])("is not opened where it %s", async (_, spoil, type, message) => {
    spoil();
    const failure: unknown = await open().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(type);
    expect((failure as CodedError).message).toMatch(message);
    expect((failure as CodedError).code).toBe("invalid-argument");
  });
});

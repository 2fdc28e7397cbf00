import { afterEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { FileFollower, type FileListener } from "../../../../src/adapters/files/follow-file.js";
import { FakeFile } from "../../../fakes/fake-file.js";
import { ManualClock } from "../../../fakes/manual-clock.js";

const CUSTOMERS = Array.from({ length: 12 }, (_, index) => `  - { id: customer-${index}, plan: pro }\n`);

function textOf(days: number, customers = CUSTOMERS): string {
  return `features:\n  - { id: days, kind: numeric }\nplans:\n  - { id: pro, entitlements: { days: ${days} } }\ncustomers:\n${customers.join("")}`;
}

/** A follower of a fake file, in time that the test moves. */
class Following implements FileListener {
  readonly reported: string[] = [];
  readonly file: FakeFile;
  readonly #clock = new ManualClock();
  readonly #follower: FileFollower;
  #isGood: (text: string) => boolean = () => true;

  constructor(text: string, reportsChanges = true) {
    this.file = new FakeFile(text, reportsChanges);
    this.#follower = new FileFollower({
      file: "catalog.yaml",
      known: this.file.content,
      clock: this.#clock,
      listener: this,
      files: this.file,
    });
  }

  refuse(isBad: (text: string) => boolean): void {
    this.#isGood = (text) => !isBad(text);
  }

  changed({ bytes }: { readonly bytes: Buffer }): boolean {
    const text = bytes.toString();
    this.reported.push(text);
    return this.#isGood(text);
  }

  unreadable(error: Error): void {
    this.reported.push(error.message);
  }

  restless(): void {
    this.reported.push("restless");
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 25) {
      await settled();
      this.#clock.advance(Math.min(25, left));
      await settled();
    }
  }

  close(): Promise<void> {
    return this.#follower.close();
  }
}

/** Until what was begun in this turn has come to its next timer. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

let following: Following | undefined;
afterEach(async () => {
  await following?.close();
  following = undefined;
});

async function follow(text = textOf(1), reportsChanges = true): Promise<Following> {
  following = new Following(text, reportsChanges);
  await following.pass(500);
  return following;
}

function writeAtOnce({ file }: Following, text: string): void {
  file.truncate();
  file.append(Buffer.from(text));
}

describe("a followed file", () => {
  it.each([
    ["an edit in one go", textOf(2), 200],
    ["a further last line in one go", `${textOf(2)}  - { id: new }\n`, 700],
    ["a last line removed in one go", textOf(1, CUSTOMERS.slice(0, -1)), 1_300],
    ["JSON in its place", JSON.stringify({ features: [], customers: [] }), 200],
  ])("reports %s within %3$i ms", async (_what, text, withinMs) => {
    for (const reportsChanges of [true, false]) {
      const followed = await follow(textOf(1), reportsChanges);
      writeAtOnce(followed, text);
      await followed.pass(withinMs + (reportsChanges ? 0 : 275));
      expect(followed.reported).toEqual([text]);
    }
  });

  it.each([
    ["a part of what is known", textOf(1, CUSTOMERS.slice(0, 5))],
    ["anything", "features: []\ncustomers: []"],
  ])("that is replaced by %s is complete when it gets its name", async (_what, text) => {
    const followed = await follow();
    followed.file.replace(Buffer.from(text));
    await followed.pass(200);
    expect(followed.reported).toEqual([text]);
  });

  it.each([
    { everyMs: 6_000, pauseMs: 2_000 },
    { everyMs: 3_000, pauseMs: 1_000 },
  ])(
    "whose writer begins anew every $everyMs ms and pauses for $pauseMs is read all the same, and never a part",
    async (each) => {
      const followed = await follow();
      const texts = Array.from({ length: Math.ceil(150_000 / each.everyMs) }, (_, n) => textOf(n + 2));
      for (const text of texts) {
        followed.file.truncate();
        followed.file.append(Buffer.from(text.slice(0, text.length / 2)));
        await followed.pass(each.pauseMs);
        followed.file.append(Buffer.from(text.slice(text.length / 2)));
        await followed.pass(each.everyMs - each.pauseMs);
      }
      const read = followed.reported.filter((text) => text !== "restless");
      expect(read.length).toBeGreaterThan(1);
      expect(read.filter((text) => !texts.includes(text))).toEqual([]);
    },
  );

  it("that is written in slices, with pauses, is not taken for whole while its end looks cut", async () => {
    const followed = await follow();
    const text = textOf(2);
    followed.file.truncate();
    for (let at = 0; at < text.length; at += 20) {
      followed.file.append(Buffer.from(text.slice(at, at + 20).replace(/\n$/, "")));
      await followed.pass(3_000);
    }
    expect(followed.reported).toEqual(["restless"]);
  });

  it("that is made anew and written later is not complete when it gets its name", async () => {
    const followed = await follow();
    followed.file.replace(Buffer.alloc(0));
    await followed.pass(1_000);
    followed.file.append(Buffer.from(textOf(2, CUSTOMERS.slice(0, 5))));
    await followed.pass(1_000);
    followed.file.append(Buffer.from(CUSTOMERS.slice(5).join("")));
    await followed.pass(4_000);
    expect(followed.reported).toEqual([textOf(2)]);
  });

  it("waits longer for a writer that was seen to pause", async () => {
    const followed = await follow();
    const later = Array.from({ length: 12 }, (_, index) => `  - { id: other-${index} }\n`);
    followed.file.truncate();
    followed.file.append(Buffer.from(textOf(2, [])));
    for (const pauseMs of [500, 1_200, 3_000]) {
      await followed.pass(pauseMs);
      followed.file.append(Buffer.from(later.splice(0, 4).join("")));
    }
    expect(followed.reported).toEqual([]);
    await followed.pass(10_100);
    expect(followed.reported).toHaveLength(1);
  });

  it("that is replaced is not waited for, however long its writer has paused", async () => {
    const followed = await follow();
    followed.file.truncate();
    await followed.pass(3_000);
    followed.file.append(Buffer.from(textOf(2, CUSTOMERS.slice(0, 5))));
    await followed.pass(3_000);
    followed.file.replace(Buffer.from(textOf(3)));
    await followed.pass(200);
    expect(followed.reported).toEqual([textOf(3)]);
  });

  it("that differs when it is read again has not come to rest", async () => {
    const followed = await follow();
    writeAtOnce(followed, `${textOf(2)}  - { id: a }\n`);
    await followed.pass(400);
    followed.file.changeUnseen(`${textOf(2)}  - { id: a }\n  - { id: b }\n`);
    await followed.pass(2_500);
    expect(followed.reported).toEqual([`${textOf(2)}  - { id: a }\n  - { id: b }\n`]);
  });

  it("reports nothing where it is written as it was", async () => {
    const followed = await follow();
    writeAtOnce(followed, textOf(1));
    await followed.pass(5_000);
    expect(followed.reported).toEqual([]);
  });

  it("is compared with the last content that was good", async () => {
    const followed = await follow();
    followed.refuse((text) => text.includes("gold"));
    writeAtOnce(followed, textOf(2, ["  - { id: a, plan: gold }\n"]));
    await followed.pass(700);
    writeAtOnce(followed, textOf(3));
    await followed.pass(200);
    expect(followed.reported).toEqual([textOf(2, ["  - { id: a, plan: gold }\n"]), textOf(3)]);
  });

  it("reports once that it is gone, and its content when it is back", async () => {
    const followed = await follow();
    followed.file.remove();
    await followed.pass(5_000);
    followed.file.replace(Buffer.from(textOf(1)));
    await followed.pass(200);
    expect(followed.reported).toEqual(["ENOENT: no such file", textOf(1)]);
  });

  it("reports nothing where it is removed and made again", async () => {
    const followed = await follow();
    followed.file.remove();
    await followed.pass(300);
    followed.file.replace(Buffer.from(textOf(1)));
    await followed.pass(5_000);
    expect(followed.reported).toEqual([]);
  });

  it("that never rests is reported once, and its content when it does", async () => {
    const followed = await follow();
    for (let written = 0; written < 300; written++) {
      followed.file.append(Buffer.from("# more\n"));
      await followed.pass(50);
    }
    expect(followed.reported).toEqual(["restless"]);
    await followed.pass(1_000);
    expect(followed.reported).toHaveLength(2);
  });

  it("reports nothing after it is closed", async () => {
    const followed = await follow();
    writeAtOnce(followed, textOf(2));
    await followed.close();
    await followed.pass(1_000);
    expect(followed.reported).toEqual([]);
  });

  it("never reports a part, wherever its writer pauses up to half a second", async () => {
    const anyEdit = fc.constantFrom(
      textOf(1),
      textOf(2),
      textOf(2, CUSTOMERS.slice(0, 7)),
      textOf(2, CUSTOMERS.slice(3)),
      textOf(2, [...CUSTOMERS.slice(0, 3), "  - { id: new }\n"]),
      JSON.stringify({ features: [], customers: [{ id: "a" }, { id: "b" }] }),
    );
    const anyVersion = fc.record({
      text: anyEdit,
      pauses: fc.array(fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), ms: fc.nat(520) }), {
        maxLength: 5,
      }),
      restMs: fc.nat(800),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyVersion, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (versions, reportsChanges) => {
          const followed = new Following(textOf(1), reportsChanges);
          await followed.pass(500);
          for (const { text, pauses, restMs } of versions) {
            const bytes = Buffer.from(text);
            followed.file.truncate();
            let at = 0;
            for (const { share, ms } of [...pauses].sort((a, b) => a.share - b.share)) {
              const next = Math.floor(share * bytes.length);
              followed.file.append(bytes.subarray(at, next));
              at = next;
              await followed.pass(ms);
            }
            followed.file.append(bytes.subarray(at));
            await followed.pass(restMs);
          }
          await followed.pass(6_000);
          const complete = versions.map(({ text }) => text);
          for (const text of followed.reported) expect(complete).toContain(text);
          expect([textOf(1), ...followed.reported].at(-1)).toBe(complete.at(-1));
          await followed.close();
        },
      ),
      { numRuns: 60 },
    );
  });
});

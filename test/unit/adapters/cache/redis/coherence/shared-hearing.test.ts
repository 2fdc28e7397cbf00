import { describe, expect, it } from "@jest/globals";
import { HearingInRedis } from "../../../../../../src/adapters/cache/redis/coherence/shared-hearing.js";
import type {
  KeysToRead,
  KeyWrite,
  WriteGroup,
  WriteOutcome,
} from "../../../../../../src/adapters/cache/redis/store/redis-commands.js";
import { namesOf } from "../../../../../../src/adapters/cache/redis-client/link/command-batches.js";
import { CodedError } from "../../../../../../src/domain/errors.js";
import { promisesSettled } from "../../../../../fakes/event-loop.js";
import { ManualClock } from "../../../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../../../fakes/recording-logger.js";

const SECOND = 1_000;
/** Longer than anybody waits for a word of another's. */
const LONG = 30;

/** One Redis of several listeners: single values that end, notes that stay, and times at which it cannot be reached. */
class Listeners {
  readonly clock = new ManualClock();
  readonly #values = new Map<string, { readonly value: string; readonly endsAt: number }>();
  readonly #onWritten: (() => void)[] = [];
  failure: CodedError | undefined;
  /** How many commands there were. */
  asked = 0;
  /** When it was noted that nobody had heard what was before, seconds from the beginning. */
  readonly notedAt: number[] = [];
  readonly #beganAt = this.clock.now();
  readonly #read = (keys: KeysToRead) =>
    this.#reached(() =>
      namesOf(keys).map((key) => {
        const stored = this.#values.get(key);
        return stored !== undefined && stored.endsAt > this.clock.now() ? stored.value : null;
      }),
    );
  readonly #commands = {
    read: this.#read,
    readLate: this.#read,
    setFor: (values: readonly (readonly [string, string])[], lastsMs: number) =>
      this.#reached(() => {
        for (const [key, value] of values) this.#values.set(key, { value, endsAt: this.clock.now() + lastsMs });
      }),
    writeNewest: (groups: readonly WriteGroup[]) =>
      this.#reached(() => groups.map(({ writes }) => writes.map((write) => this.#writeNewest(write)))),
  };

  open() {
    const parts = { hasUnwritten: false, unheardBefore: -Infinity };
    const hearing = new HearingInRedis({
      commands: this.#commands,
      environment: "production",
      coherence: { onKey: (_, listener) => this.#onWritten.push(listener) },
      clock: this.clock,
      logger: new RecordingLogger(),
      hasUnwritten: () => parts.hasUnwritten,
      random: () => 0.5,
    });
    hearing.follow((before) => (parts.unheardBefore = before));
    return Object.assign(hearing, { parts });
  }

  async pass(seconds: number): Promise<void> {
    await promisesSettled();
    for (let second = 0; second < seconds; second++) {
      this.clock.advance(SECOND);
      await promisesSettled();
    }
  }

  /** Every process looks at what was noted, as where it connects. */
  async noticeAll(): Promise<void> {
    for (const listener of this.#onWritten) listener();
    await promisesSettled();
  }

  #writeNewest({ key, value, updatedAt = 0 }: KeyWrite): WriteOutcome {
    const stored = this.#values.get(key)?.value;
    if (stored !== undefined && Number(stored) > updatedAt)
      return { outcome: "older", stored, storedAt: Number(stored) };
    this.#values.set(key, { value, endsAt: Infinity });
    this.notedAt.push(Math.round((this.clock.now() - this.#beganAt) / SECOND));
    for (const listener of this.#onWritten) listener();
    return { outcome: "written" };
  }

  #reached<T>(done: () => T): Promise<T> {
    this.asked++;
    return this.failure === undefined ? Promise.resolve(done()) : Promise.reject(this.failure);
  }
}

describe("nothing vouches for what was in Redis before", () => {
  it("once a process hears, and nobody had heard before", async () => {
    const all = new Listeners();
    all.open().connected();
    await all.pass(LONG);
    expect(all.notedAt).toHaveLength(1);
  });

  it("once, of a process that goes on hearing", async () => {
    const all = new Listeners();
    all.open().connected();
    await all.pass(1_000);
    expect(all.notedAt).toHaveLength(1);
  });

  it("once the only one that heard has ended, and another begins, however soon", async () => {
    const all = new Listeners();
    const first = all.open();
    first.connected();
    await all.pass(LONG);
    first.stop();
    all.open().connected();
    await all.pass(LONG);
    expect(all.notedAt).toHaveLength(2);
  });

  it("once the only one that hears has lost the stream for a while", async () => {
    const all = new Listeners();
    const first = all.open();
    first.connected();
    await all.pass(LONG);
    first.disconnected();
    await all.pass(3);
    first.connected();
    await all.pass(LONG);
    expect(all.notedAt).toHaveLength(2);
  });

  it("once those that hear know of what Redis was not told, and end with it", async () => {
    const all = new Listeners();
    const first = all.open();
    first.connected();
    await all.pass(LONG);
    first.parts.hasUnwritten = true;
    all.open().connected();
    await all.pass(1);
    first.stop();
    await all.pass(LONG);
    expect(all.notedAt).toHaveLength(2);
  });

  it("once something was published for all customers", async () => {
    const all = new Listeners();
    const [follower, listener] = [all.open(), all.open()];
    listener.connected();
    await all.pass(LONG);
    listener.allMayHaveChanged();
    await all.pass(1);
    expect(follower.parts.unheardBefore).toBe(all.clock.now() - SECOND);
    await all.pass(LONG);
    expect(all.notedAt).toHaveLength(2);
  });

  it("once Redis can be given the note of a publication that came while it was away", async () => {
    const all = new Listeners();
    const [follower, listener] = [all.open(), all.open()];
    listener.connected();
    await all.pass(LONG);
    all.failure = new CodedError("unavailable", "no connection");
    const published = all.clock.now();
    listener.allMayHaveChanged();
    await all.pass(LONG);
    all.failure = undefined;
    await all.pass(LONG);
    expect(follower.parts.unheardBefore).toBe(published);
  });

  it("once the only one that heard of a publication has ended with it, before Redis was back", async () => {
    const all = new Listeners();
    const listener = all.open();
    listener.connected();
    await all.pass(LONG);
    all.failure = new CodedError("unavailable", "no connection");
    listener.allMayHaveChanged();
    await all.pass(LONG);
    listener.stop();
    all.failure = undefined;
    all.open().connected();
    await all.pass(LONG);
    expect(all.notedAt).toHaveLength(2);
  });

  it("once Redis can be asked whether another heard, and none did", async () => {
    const all = new Listeners();
    all.failure = new CodedError("unavailable", "no connection");
    all.open().connected();
    await all.pass(1_000);
    expect(all.notedAt).toEqual([]);
    all.failure = undefined;
    await all.pass(LONG);
    expect(all.notedAt).toHaveLength(1);
  });

  it("also for those who hear nothing themselves, and for those who start later", async () => {
    const all = new Listeners();
    const follower = all.open();
    all.open().connected();
    await all.pass(LONG);
    expect(follower.parts.unheardBefore).toBeGreaterThan(0);
    const later = all.open();
    await all.noticeAll();
    expect(later.parts.unheardBefore).toBe(follower.parts.unheardBefore);
  });

  it("until now at the latest, by whatever clock that was noted", async () => {
    const all = new Listeners();
    const follower = all.open();
    all.open().connected();
    all.clock.set(all.clock.now() + 3_600_000);
    await all.pass(LONG);
    all.clock.set(all.clock.now() - 3_600_000);
    await all.noticeAll();
    expect(follower.parts.unheardBefore).toBeLessThanOrEqual(all.clock.now());
  });
});

describe("what is in Redis stays vouched for", () => {
  it("where one begins to hear while another goes on", async () => {
    const all = new Listeners();
    all.open().connected();
    await all.pass(LONG);
    all.open().connected();
    await all.pass(LONG);
    expect(all.notedAt).toHaveLength(1);
  });

  it("where those who hear are restarted one after the other", async () => {
    const all = new Listeners();
    let [older, newer] = [all.open(), all.open()];
    older.connected();
    await all.pass(LONG);
    for (let restart = 0; restart < 10; restart++) {
      newer.connected();
      await all.pass(LONG);
      older.stop();
      [older, newer] = [newer, all.open()];
    }
    expect(all.notedAt).toHaveLength(1);
  });

  it("where Redis is away for so long that it has no word of anybody, and the one that heard goes on", async () => {
    const all = new Listeners();
    all.open().connected();
    await all.pass(LONG);
    all.failure = new CodedError("unavailable", "no connection");
    await all.pass(LONG);
    all.failure = undefined;
    await all.pass(LONG);
    expect(all.notedAt).toHaveLength(1);
  });

  it("where a process ends, or loses the stream, before it knows whether all was heard", async () => {
    const all = new Listeners();
    const [one, other] = [all.open(), all.open()];
    one.connected();
    other.connected();
    await all.pass(8);
    one.stop();
    other.disconnected();
    await all.pass(1_000);
    expect(all.notedAt).toEqual([]);
    expect(all.clock.pendingTimers).toBe(0);
  });
});

it("asks Redis for next to nothing where it may not write there", async () => {
  const all = new Listeners();
  all.open().connected();
  await all.pass(LONG);
  const asked = all.asked;
  all.failure = new CodedError("failed-precondition", "READONLY");
  await all.pass(1_000);
  expect(all.asked - asked).toBeLessThanOrEqual(60);
});

describe("a process that hears nothing itself", () => {
  const watching = (all: Listeners) => {
    const hears: boolean[] = [];
    const follower = all.open();
    follower.watch((isSomebodyHearing) => hears.push(isSomebodyHearing));
    return { follower, hears };
  };

  it("knows once nobody hears any more, and once somebody does again", async () => {
    const all = new Listeners();
    const { hears } = watching(all);
    const listener = all.open();
    listener.connected();
    await all.pass(LONG);
    expect(hears).toEqual([]);
    listener.disconnected();
    await all.pass(LONG);
    expect(hears).toEqual([false]);
    listener.connected();
    await all.pass(LONG);
    expect(hears).toEqual([false, true]);
  });

  it.each<[what: string, happens: (all: Listeners) => Promise<void>]>([
    ["where nobody ever did", (all) => all.pass(1_000)],
    [
      "where another one goes on",
      async (all) => {
        const [first, second] = [all.open(), all.open()];
        first.connected();
        second.connected();
        await all.pass(LONG);
        first.stop();
        await all.pass(LONG);
      },
    ],
    [
      "where Redis was away, and no word could be spoken or seen",
      async (all) => {
        await all.pass(2);
        all.open().connected();
        await all.pass(LONG);
        all.failure = new CodedError("unavailable", "Redis is away");
        // Back just before who looks, and after who speaks.
        await all.pass(1_002);
        all.failure = undefined;
        await all.pass(LONG);
      },
    ],
    [
      "where the clock is set forth",
      async (all) => {
        await all.pass(2);
        all.open().connected();
        await all.pass(LONG + 2);
        all.clock.set(all.clock.now() + 3_600_000);
        await all.pass(LONG);
      },
    ],
  ])("takes nobody to have fallen silent %s", async (_, happens) => {
    const all = new Listeners();
    const { hears } = watching(all);
    await happens(all);
    expect(hears).toEqual([]);
  });

  it("looks no more once it is stopped", async () => {
    const all = new Listeners();
    const { follower } = watching(all);
    await all.pass(10);
    follower.stop();
    await all.pass(1);
    const { asked } = all;
    await all.pass(LONG);
    expect(all.asked).toBe(asked);
  });
});

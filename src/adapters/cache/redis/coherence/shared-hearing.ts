import { randomUUID } from "node:crypto";
import { CodedError } from "../../../../domain/errors.js";
import type { CancelTimer, Clock } from "../../../../ports/clock.js";
import type { Logger } from "../../../../ports/logger.js";
import type { SharedHearing } from "../../../../ports/shared-cache.js";
import type { ExpiringValues, RedisCommands } from "../store/redis-commands.js";
import { heardKey, unheardMarkerKey } from "../store/redis-keys.js";
import type { Coherence } from "./coherence.js";
import { SharedStaleMarker } from "./subject-marks.js";

export interface HearingInRedisParts {
  readonly commands: Pick<RedisCommands, "read" | "readLate" | "writeNewest"> & ExpiringValues;
  /** What names the environment in keys. */
  readonly environment: string;
  readonly coherence: Pick<Coherence, "onKey">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether something was heard that Redis has not been given yet. */
  readonly hasUnwritten: () => boolean;
  /** From 0 (included) to 1 (excluded). */
  readonly random?: () => number;
}

/** How often a process says that it has heard everything, or looks whether another says so; milliseconds. */
const BEAT_MS = 5_000;
/** How long its word is there to be seen, milliseconds. */
const LASTS_MS = 15_000;
/** After a refusal, milliseconds: a user may not be allowed to write. */
const REFUSED_MS = 20_000;
/** How long no word has come when nobody is taken to hear, milliseconds: four are spoken in that time. */
const SILENT_AFTER_MS = 20_000;
/** After so many looks in vain nobody else hears. */
const MAX_LOOKS = 4;

/**
 * Those who share a Redis and leave the updates to others trust what it holds for as long as somebody hears them all. What
 * happened while nobody did (the only listener was away, or ended before Redis took what it had heard) is known to no
 * process; only that there was such a time can be known. So each listener that has heard everything says so in Redis every
 * few seconds, and one that begins to hear waits for such a word of another's. Where none comes, it notes in Redis that
 * nothing vouches for what was verified before. No clocks are compared to find that out: a word counts if it was spoken after
 * the listener began.
 */
export class HearingInRedis implements SharedHearing {
  readonly #parts: HearingInRedisParts;
  readonly #key: string;
  readonly #marker: SharedStaleMarker;
  readonly #token = randomUUID();
  #unheardBefore = -Infinity;
  readonly #followers: ((before: number) => void)[] = [];
  #words = 0;
  /** Every time it begins to hear is another: what was asked for in an earlier one does not count. */
  #time = 0;
  #isHearing = false;
  /** Whether all that happened before is in Redis, or noted there as unheard. */
  #hasHeardAll = false;
  /** A time of which Redis is yet to be given a note: what was verified before may be another. Epoch milliseconds. */
  #unnotedBefore: number | undefined;
  #looks = 0;
  #seen: string | null = null;
  #cancelTimer: CancelTimer | undefined;
  #watch: WordWatch | undefined;

  constructor(parts: HearingInRedisParts) {
    const { commands, environment, coherence, clock } = parts;
    this.#parts = parts;
    this.#key = heardKey(environment);
    // One of a clock that is ahead counts as of now, or nothing would be vouched for until then.
    this.#marker = new SharedStaleMarker(commands, unheardMarkerKey(environment), (before) => {
      this.#unheardBefore = Math.min(before, clock.now());
      for (const follower of this.#followers) follower(this.#unheardBefore);
    });
    coherence.onKey(this.#marker.key, () => {
      this.#marker.forget();
      void this.#marker.know();
    });
  }

  follow(onUnheard: (before: number) => void): void {
    this.#followers.push(onUnheard);
    if (this.#unheardBefore > -Infinity) onUnheard(this.#unheardBefore);
  }

  watch(onChange: (isSomebodyHearing: boolean) => void): void {
    this.#watch = new WordWatch(this.#parts, this.#key, onChange);
  }

  connected(): void {
    this.#begin(true);
    this.#lookAfter(0);
  }

  disconnected(): void {
    this.#begin(false);
  }

  /** Until that is in Redis it says no word: of one that ends with it, the next listener finds that nobody heard. */
  allMayHaveChanged(): void {
    this.#unnotedBefore = this.#parts.clock.now();
    this.#note().catch((error: unknown) => {
      if (!(error instanceof CodedError)) throw error;
    });
  }

  stop(): void {
    this.#watch?.stop();
    this.#begin(false);
  }

  #begin(isHearing: boolean): void {
    this.#cancelTimer?.();
    this.#time++;
    this.#isHearing = isHearing;
    this.#hasHeardAll = false;
    this.#looks = 0;
  }

  #lookAfter(ms: number): void {
    const time = this.#time;
    this.#cancelTimer = this.#parts.clock.after(ms, () => {
      void this.#look(time).then((nextMs) => {
        if (time === this.#time && this.#isHearing) this.#lookAfter(nextMs);
      });
    });
  }

  /** @returns when to look again, milliseconds. Never rejects */
  async #look(time: number): Promise<number> {
    const { commands, hasUnwritten, random = Math.random } = this.#parts;
    try {
      await this.#note();
      if (!this.#hasHeardAll) await this.#findWhetherAllWasHeard(time);
      if (this.#hasHeardAll && time === this.#time && this.#unnotedBefore === undefined && !hasUnwritten())
        await commands.setFor([[this.#key, `${this.#token} ${++this.#words}`]], LASTS_MS);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      if (error.code === "failed-precondition") return REFUSED_MS;
    }
    // Several that began together do not all find at once that nobody else hears.
    return BEAT_MS * (0.75 + random() / 2);
  }

  async #note(): Promise<void> {
    const before = this.#unnotedBefore;
    if (before === undefined) return;
    await this.#marker.write(before);
    if (this.#unnotedBefore === before) this.#unnotedBefore = undefined;
  }

  async #findWhetherAllWasHeard(time: number): Promise<void> {
    const { commands, clock, logger } = this.#parts;
    const [word = null] = await commands.read([this.#key]);
    if (time !== this.#time) return;
    this.#looks++;
    if (this.#looks === 1) this.#seen = word;
    else if (word !== null && word !== this.#seen && !word.startsWith(this.#token)) this.#hasHeardAll = true;
    else if (this.#looks >= MAX_LOOKS) {
      await this.#marker.write(clock.now());
      if (time === this.#time) this.#hasHeardAll = true;
      logger.info("nobody else hears the changes of what Redis holds: what is there from before is verified once more");
    }
  }
}

/**
 * Looks whether anybody still says that it hears. Where nobody ever did, as where a persistent-cache service alone keeps Redis up to
 * date, there is nothing to miss.
 */
class WordWatch {
  readonly #parts: HearingInRedisParts;
  readonly #key: string;
  readonly #onChange: (isSomebodyHearing: boolean) => void;
  #word: string | null = null;
  /** Since when no other word has come, by `Clock.elapsed`; what cannot be looked at says nothing. */
  #since: number;
  #isSilent = false;
  #cancelTimer: CancelTimer | undefined;

  constructor(parts: HearingInRedisParts, key: string, onChange: (isSomebodyHearing: boolean) => void) {
    this.#parts = parts;
    this.#key = key;
    this.#onChange = onChange;
    this.#since = parts.clock.elapsed();
    this.#lookLater();
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #lookLater(): void {
    this.#cancelTimer = this.#parts.clock.after(BEAT_MS, () => {
      void this.#look().then(() => {
        if (this.#cancelTimer !== undefined) this.#lookLater();
      });
    });
  }

  async #look(): Promise<void> {
    const { commands, clock, logger } = this.#parts;
    try {
      const [word = null] = await commands.read([this.#key]);
      if (word !== null && word !== this.#word) {
        this.#word = word;
        this.#since = clock.elapsed();
        if (this.#isSilent) {
          this.#isSilent = false;
          logger.info("a process hears the changes of what Redis holds again");
          this.#onChange(true);
        }
      } else if (this.#word !== null && !this.#isSilent && clock.elapsed() - this.#since > SILENT_AFTER_MS) {
        this.#isSilent = true;
        logger.warn(
          "no process says any more that it hears the changes of what Redis holds: until one does, answers from before are said to be stale",
        );
        this.#onChange(false);
      }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#since = clock.elapsed();
    }
  }
}

import type { ChainableCommander, Redis } from "ioredis";
import { CodedError } from "../../../../domain/errors.js";
import type { KeysToRead } from "../../redis/store/redis-commands.js";

export type Values = readonly (string | null)[];

export interface ReadBatchesOptions {
  /** Reads keys in one round trip. */
  readonly send: (keys: readonly string[]) => Promise<Values>;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  /** How long whoever reads may have to wait for its turn, milliseconds: of more reads than are answered within it, the oldest are refused. */
  readonly patienceMs: number;
}

interface Read {
  readonly askedAt: number;
  readonly keys: KeysToRead;
  readonly resolve: (values: Values) => void;
  readonly reject: (error: unknown) => void;
}

interface ReadsToSend {
  readonly reads: readonly Read[];
  /** How many keys each of them has. */
  readonly counts: readonly number[];
  readonly keys: readonly string[];
}

/** Of a batch, but for those of its last read. */
const MAX_KEYS = 1_000;
const MAX_UNDER_WAY = 4;
/** Reads a millisecond that are taken to be possible before any were measured. */
const FASTEST = 5;
/** How much the latest sample counts for how fast reads are answered. */
const LATEST_SHARE = 0.2;
/** Batches that are under way together are answered together: counted each by itself, all but the first would seem to take no time. */
const MIN_SAMPLE_MS = 10;

/** One for all: whoever is refused in an overload must cost nothing, and a stack is dear. */
const OVERLOADED = new CodedError("resource-exhausted", "more states are asked for than can be read in time");
OVERLOADED.stack = `${OVERLOADED.name}: ${OVERLOADED.message}`;

/** How long the last in line may have to wait, as fast as reads are answered now, before there are more than can be in time: a share of the patience. */
const LAST_SHARE = 0.75;
/** How long the first in line has waited by then, at least: a burst is no overload, and a process that idled may be faster than it was measured. */
const FIRST_SHARE = 0.25;
/** In an overload, up to what share of the patience those wait who are let in. */
const OVERLOADED_SHARE = 0.1;
const MIN_WAITING = 50;

/**
 * Puts all reads of one turn of the event loop into one command, and bounds how many are under way; the others wait, and are
 * answered in the order in which they came. Once they wait for so long that those behind them could not be in time, only as many
 * are let in as are answered soon, and the others are refused at once, until none waits. So nothing is read in vain.
 */
export class ReadBatches {
  readonly #options: ReadBatchesOptions;
  /** The newest last. */
  readonly #waiting: Read[] = [];
  #underWay = 0;
  #isFlushDue = false;
  /** More have come than can be answered in time, and there have been some waiting ever since. */
  #isOverloaded = false;
  /** Reads a millisecond, while there are more than are under way. */
  #rate = FASTEST;
  /** Since when reads have waited for others, and how many were answered since. */
  #busySince: number | undefined;
  #answeredSince = 0;

  constructor(options: ReadBatchesOptions) {
    this.#options = options;
  }

  /** Whether a read would be refused for the number of those that wait. */
  get isFull(): boolean {
    return this.#isOverloaded && this.#waiting.length >= this.#room();
  }

  /** @throws CodedError `resource-exhausted` where it would take too long, and whatever `send` rejects with */
  read(keys: KeysToRead): Promise<Values> {
    if (this.#isLate()) this.#isOverloaded = true;
    if (this.isFull) return Promise.reject(OVERLOADED);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ askedAt: this.#options.now(), keys, resolve, reject });
      if (!this.#isFlushDue && this.#underWay < MAX_UNDER_WAY) {
        this.#isFlushDue = true;
        setImmediate(() => {
          this.#isFlushDue = false;
          this.#flush();
        });
      }
    });
  }

  #flush(): void {
    while (this.#underWay < MAX_UNDER_WAY && this.#waiting.length > 0) {
      const { reads, counts, keys } = this.#takeOldest();
      if (reads.length === 0) return;
      this.#underWay++;
      const sentAt = this.#options.now();
      this.#options.send(keys).then(
        (values) => {
          this.#answered(reads.length, sentAt);
          let from = 0;
          for (const [index, read] of reads.entries())
            read.resolve(reads.length === 1 ? values : values.slice(from, (from += counts[index] as number)));
          this.#flush();
        },
        (error: unknown) => {
          this.#underWay--;
          for (const read of reads) read.reject(error);
          this.#flush();
        },
      );
    }
  }

  /** Whose time has run out is refused instead. */
  #takeOldest(): ReadsToSend {
    const askedBefore = this.#options.now() - this.#options.patienceMs;
    let late = 0;
    while ((this.#waiting[late]?.askedAt ?? Infinity) < askedBefore) late++;
    for (const read of this.#waiting.splice(0, late)) read.reject(OVERLOADED);
    const keys: string[] = [];
    const counts: number[] = [];
    // Named only now, so those behind are not: they may be named better by then.
    while (keys.length < MAX_KEYS && counts.length < this.#waiting.length) {
      const names = namesOf((this.#waiting[counts.length] as Read).keys);
      counts.push(names.length);
      for (const name of names) keys.push(name);
    }
    const reads = this.#waiting.splice(0, counts.length);
    if (this.#waiting.length === 0) this.#isOverloaded = false;
    return { reads, counts, keys };
  }

  #answered(reads: number, sentAt: number): void {
    this.#underWay--;
    this.#answeredSince += reads;
    const now = this.#options.now();
    const since = this.#busySince ?? sentAt;
    const isLong = now - since >= MIN_SAMPLE_MS;
    if (isLong) this.#rate += (this.#answeredSince / (now - since) - this.#rate) * LATEST_SHARE;
    const isBusy = this.#waiting.length > 0;
    if (isLong || !isBusy) this.#answeredSince = 0;
    if (!isBusy) this.#busySince = undefined;
    else this.#busySince = isLong ? now : since;
  }

  /** Whether the last in line would wait for too long. */
  #isLate(): boolean {
    const { patienceMs, now } = this.#options;
    const [oldest] = this.#waiting;
    if (oldest === undefined || this.#waiting.length <= this.#rate * patienceMs * LAST_SHARE) return false;
    return now() - oldest.askedAt > patienceMs * FIRST_SHARE;
  }

  /** How many may wait in an overload. */
  #room(): number {
    return Math.max(MIN_WAITING, this.#rate * this.#options.patienceMs * OVERLOADED_SHARE);
  }
}

export type RedisCommand = readonly [name: string, ...args: readonly (string | number)[]];

/** What Redis answered to one command; an Error where it refused it. */
export type Reply = unknown;

interface Waiting {
  readonly commands: readonly RedisCommand[];
  readonly resolve: (replies: readonly Reply[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Sends in one write to the socket what one turn of the event loop has for Redis, in the order in which it came. */
export class CommandBatch {
  readonly #redis: Redis;
  readonly #exec: (pipeline: ChainableCommander, commands: number) => Promise<readonly Reply[]>;
  #waiting: Waiting[] = [];
  #isFlushDue = false;

  /** @param exec sends a pipeline of so many commands */
  constructor(redis: Redis, exec: (pipeline: ChainableCommander, commands: number) => Promise<readonly Reply[]>) {
    this.#redis = redis;
    this.#exec = exec;
  }

  /**
   * Resolves with an answer for each command.
   *
   * @param canWait whether there may be more in this turn that goes with it; else it is sent now, and all that waits with it
   */
  send(commands: readonly RedisCommand[], canWait: boolean): Promise<readonly Reply[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commands, resolve, reject });
      if (!canWait) this.#flush();
      else if (!this.#isFlushDue) {
        this.#isFlushDue = true;
        setImmediate(() => {
          this.#isFlushDue = false;
          this.#flush();
        });
      }
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const pipeline = this.#redis.pipeline();
    let count = 0;
    for (const { commands } of waiting) {
      count += commands.length;
      for (const [name, ...args] of commands) pipeline.call(name, args);
    }
    this.#exec(pipeline, count).then(
      (replies) => {
        let from = 0;
        for (const { commands, resolve } of waiting) resolve(replies.slice(from, (from += commands.length)));
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  }
}

export function namesOf(keys: KeysToRead): readonly string[] {
  return typeof keys === "function" ? keys() : keys;
}

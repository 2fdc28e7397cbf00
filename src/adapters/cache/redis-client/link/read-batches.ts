import { CodedError } from "../../../../domain/errors.js";

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
  readonly keys: readonly string[];
  readonly resolve: (values: Values) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_KEYS = 1_000;
const MAX_UNDER_WAY = 4;
const MIN_WAITING = 500;
/** Reads a millisecond that are taken to be possible before any were measured: more than any process has managed. */
const FASTEST = 5;
/** How much the latest sample counts for how fast reads are answered. */
const LATEST_SHARE = 0.2;
/** Batches that are under way together are answered together: counted each by itself, all but the first would seem to take no time. */
const MIN_SAMPLE_MS = 10;

/** One for all: whoever is refused in an overload must cost nothing, and a stack is dear. */
const OVERLOADED = new CodedError("resource-exhausted", "more states are asked for than can be read in time");
OVERLOADED.stack = `${OVERLOADED.name}: ${OVERLOADED.message}`;

/** Up to what share of those that can be answered in time the oldest come first, since all are. */
const IN_ORDER_SHARE = 0.5;
/** What share of the patience who waits behind newer ones is kept waiting: it is not going to have its turn. */
const HOPE_SHARE = 0.25;

/**
 * Puts all reads of one turn of the event loop into one command, and bounds how many are under way. They are answered in the
 * order in which they came for as long as all of them can be in time. Under more load the newest come first, since somebody
 * still waits for them; the oldest, whose callers would give up before their turn, are refused at once, until none waits.
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

  /** @throws CodedError `resource-exhausted` where it would take too long, and whatever `send` rejects with */
  read(keys: readonly string[]): Promise<Values> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ askedAt: this.#options.now(), keys, resolve, reject });
      if (this.#isFlushDue || this.#underWay >= MAX_UNDER_WAY) this.#refuseOldest();
      else {
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
      if (this.#waiting.length > this.#room() * IN_ORDER_SHARE) this.#isOverloaded = true;
      const reads = this.#isOverloaded ? this.#takeNewest() : this.#takeOldest();
      if (reads.length === 0) return;
      this.#underWay++;
      const sentAt = this.#options.now();
      const keys = reads.length === 1 ? (reads[0] as Read).keys : reads.flatMap((read) => read.keys);
      this.#options.send(keys).then(
        (values) => {
          this.#answered(reads.length, sentAt);
          let from = 0;
          for (const read of reads)
            read.resolve(reads.length === 1 ? values : values.slice(from, (from += read.keys.length)));
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

  /** Whoever has waited longer is refused. */
  #refuseAfter(waitedMs: number): void {
    const askedBefore = this.#options.now() - waitedMs;
    let count = 0;
    while ((this.#waiting[count]?.askedAt ?? Infinity) < askedBefore) count++;
    for (const read of this.#waiting.splice(0, count)) read.reject(OVERLOADED);
  }

  #takeOldest(): readonly Read[] {
    this.#refuseAfter(this.#options.patienceMs);
    let to = 0;
    for (let keys = 0; to < this.#waiting.length; to++) {
      keys += (this.#waiting[to] as Read).keys.length;
      if (keys > MAX_KEYS && to > 0) break;
    }
    return this.#waiting.splice(0, to);
  }

  #takeNewest(): readonly Read[] {
    let from = this.#waiting.length;
    for (let keys = 0; from > 0; from--) {
      keys += (this.#waiting[from - 1] as Read).keys.length;
      if (keys > MAX_KEYS && from < this.#waiting.length) break;
    }
    const reads = this.#waiting.splice(from);
    this.#refuseAfter(this.#options.patienceMs * HOPE_SHARE);
    if (this.#waiting.length === 0) this.#isOverloaded = false;
    return reads;
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

  /** How many may wait. */
  #room(): number {
    return Math.max(MIN_WAITING, this.#rate * this.#options.patienceMs);
  }

  #refuseOldest(): void {
    const room = this.#room();
    // Some at a time, since taking from the front moves all the others.
    if (this.#waiting.length <= room * 1.1) return;
    for (const read of this.#waiting.splice(0, this.#waiting.length - Math.floor(room))) read.reject(OVERLOADED);
  }
}

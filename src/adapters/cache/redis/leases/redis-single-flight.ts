import { randomBytes } from "node:crypto";
import { CodedError } from "../../../../domain/errors.js";
import type { Subject } from "../../../../domain/subject.js";
import type { Clock } from "../../../../ports/clock.js";
import type { CrossProcessSingleFlight, Lease } from "../../../../ports/shared-cache.js";
import { Waiters, within } from "../../../../ports/waits.js";
import type { Coherence } from "../coherence/coherence.js";
import { type RedisCommands, redisIsLate } from "../store/redis-commands.js";
import { missChannel, missLockKey, readTimestamp, stateKey, timestampKey } from "../store/redis-keys.js";

export interface RedisSingleFlightParts {
  readonly commands: RedisCommands;
  /** Tells of what others wrote: whoever waits for it looks at once. */
  readonly coherence: Coherence;
  /** What names the environment in keys. */
  readonly environment: string;
  readonly clock: Clock;
  /** How long another process is waited for, milliseconds: a share of a check's budget. */
  readonly waitMs: number;
}

/** As long as the published clients': a process that dies with the lock is waited for by nobody for longer. */
const LOCK_MS = 5_000;
/** How often whoever waits looks whether the lock is free, milliseconds: its holder may fail, or die, without a word. */
const LOOK_EVERY_MS = 50;

/** Its end concerns nobody else. */
const NO_LEASE: Lease = { end: () => undefined };

interface TriedLease {
  readonly lease: Lease;
  /** Whether the state is known not to be in Redis. */
  readonly isAbsent: boolean;
}

/** Redis did not say: it is not asked again before upstream is. */
const NOT_SAID: TriedLease = { lease: NO_LEASE, isAbsent: true };

/**
 * The published clients' lock on a subject that was missed, and their notification: whoever has the lock asks
 * upstream, stores what it learns and says so. Theirs wait for that word; ours look for the state itself, so that
 * a lost word costs nothing.
 */
export class RedisSingleFlight implements CrossProcessSingleFlight {
  readonly #commands: RedisCommands;
  readonly #coherence: Coherence;
  readonly #environment: string;
  readonly #clock: Clock;
  readonly #waitMs: number;
  readonly #tokens = new Tokens();

  constructor({ commands, coherence, environment, clock, waitMs }: RedisSingleFlightParts) {
    this.#commands = commands;
    this.#coherence = coherence;
    this.#environment = environment;
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  async acquireLease(subject: Subject, isThere: () => Promise<boolean>): Promise<Lease | undefined> {
    const endsAt = this.#clock.now() + this.#waitMs;
    const signal = new Signal();
    const stopListening = this.#coherence.onChange(subject, () => signal.arrive());
    try {
      for (;;) {
        const tried = await this.#tryLease(subject);
        if (tried !== undefined) {
          const { lease, isAbsent } = tried;
          // Its last holder may have brought it, between our look at the store and this.
          if (isAbsent || !(await this.#soon(isThere(), endsAt))) return lease;
          lease.end(true);
          return undefined;
        }
        const leftMs = endsAt - this.#clock.now();
        if (leftMs <= 0) return NO_LEASE;
        if ((await signal.wait(Math.min(leftMs, LOOK_EVERY_MS), this.#clock)) && (await this.#soon(isThere(), endsAt)))
          return undefined;
      }
    } finally {
      stopListening();
    }
  }

  /** False where that is not known in time. */
  #soon(isThere: Promise<boolean>, endsAt: number): Promise<boolean> {
    const waitMs = Math.max(LOOK_EVERY_MS, endsAt - this.#clock.now());
    return within(isThere, waitMs, this.#clock, () => redisIsLate(waitMs)).catch((error: unknown) => {
      if (error instanceof CodedError) return false;
      throw error;
    });
  }

  /** Undefined: another process has the turn. */
  async #tryLease(subject: Subject): Promise<TriedLease | undefined> {
    const key = missLockKey(this.#environment, subject);
    const token = this.#tokens.next();
    try {
      // A state without its timestamp is not there for anybody.
      const lookFor = timestampKey(stateKey(this.#environment, subject));
      const outcome = await this.#commands.lockAndLook(key, token, LOCK_MS, lookFor);
      if (outcome === "of-another") return undefined;
      const lease = { end: (isStored: boolean) => void this.#end(subject, key, token, isStored) };
      return { lease, isAbsent: outcome === "taken-and-absent" };
    } catch (error) {
      if (error instanceof CodedError) return NOT_SAID;
      throw error;
    }
  }

  async #end(subject: Subject, key: string, token: string, isStored: boolean): Promise<void> {
    try {
      const isReadable = isStored && (await this.#isReadableByAll(subject));
      // In one write to the socket, and in this order.
      await Promise.all([
        this.#commands.unlock(key, token),
        this.#commands.publish(missChannel(this.#environment, subject), isReadable ? "{}" : NOT_STORED),
      ]);
    } catch (error) {
      // The lock expires by itself, and who waits for the word waits no longer than it wants to.
      if (!(error instanceof CodedError)) throw error;
    }
  }

  /** The published clients read only once after the word, and take what they cannot read for a customer who does not exist. */
  async #isReadableByAll({ customerId, resourceId }: Subject): Promise<boolean> {
    if (resourceId === undefined) return true;
    const states = [
      stateKey(this.#environment, { customerId, resourceId }),
      stateKey(this.#environment, { customerId }),
    ];
    const [own, global] = (await this.#commands.read(states.map(timestampKey))).map(readTimestamp);
    return own !== undefined && global !== undefined && own >= global;
  }
}

/** No two processes, and no two turns of one, have the same: of random bytes each time it would cost as much as a read. */
class Tokens {
  readonly #ofProcess = randomBytes(12).toString("hex");
  #count = 0;

  next(): string {
    this.#count = (this.#count + 1) >>> 0;
    return this.#ofProcess + this.#count.toString(16).padStart(8, "0");
  }
}

const NOT_STORED = JSON.stringify({ error: "the state could not be stored" });

/** Whether a change came, also while nobody waited for it. */
class Signal {
  readonly #waiters = new Waiters();
  #hasArrived = false;

  arrive(): void {
    this.#hasArrived = true;
    this.#waiters.release();
  }

  /** @returns whether a change came since the last time */
  async wait(forMs: number, clock: Clock): Promise<boolean> {
    if (!this.#hasArrived) await this.#waiters.wait({ atMostMs: forMs, clock });
    const hasArrived = this.#hasArrived;
    this.#hasArrived = false;
    return hasArrived;
  }
}

import type {
  KeysToRead,
  LockOutcome,
  RedisCommands,
  WriteGroup,
  WriteOutcome,
} from "../../src/adapters/cache/redis/store/redis-commands.js";
import { CodedError } from "../../src/domain/errors.js";

export type HoldableCommand = "read" | "writeNewest" | "lock";

/** One reply that Redis has given, and that its asker has yet to get. */
export interface HeldReply {
  /** Resolves once Redis has replied. */
  readonly replied: Promise<void>;
  release(): void;
}

interface Hold {
  readonly onReply: () => void;
  readonly released: Promise<void>;
}

/** Real commands, whose replies arrive when the test says so; and which can be out of reach. */
export class HeldCommands implements RedisCommands {
  readonly #real: RedisCommands;
  readonly #holds: Record<HoldableCommand, Hold[]> = { read: [], writeNewest: [], lock: [] };
  readonly calls: Record<HoldableCommand | "unlock" | "publish" | "delete", number> = {
    read: 0,
    writeNewest: 0,
    lock: 0,
    unlock: 0,
    publish: 0,
    delete: 0,
  };
  isReachable = true;

  constructor(real: RedisCommands) {
    this.#real = real;
  }

  /** Holds back the reply to the next command of its kind that is not held yet. */
  holdNext(command: HoldableCommand): HeldReply {
    let release!: () => void;
    let onReply!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    const replied = new Promise<void>((resolve) => (onReply = resolve));
    this.#holds[command].push({ onReply, released });
    return { replied, release };
  }

  read(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#held("read", () => this.#real.read(keys));
  }

  writeNewest(groups: readonly WriteGroup[]): Promise<readonly (readonly WriteOutcome[])[]> {
    return this.#held("writeNewest", () => this.#real.writeNewest(groups));
  }

  readLate(keys: KeysToRead, isUrgent?: boolean): Promise<readonly (string | null)[]> {
    return this.#held("read", () => this.#real.readLate(keys, isUrgent));
  }

  get isOverloaded(): boolean {
    return this.#real.isOverloaded;
  }

  get isSlow(): boolean {
    return this.#real.isSlow;
  }

  lock(key: string, token: string, durationMs: number): Promise<boolean> {
    return this.#held("lock", () => this.#real.lock(key, token, durationMs));
  }

  lockAndLook(key: string, token: string, durationMs: number, lookFor: string): Promise<LockOutcome> {
    return this.#held("lock", () => this.#real.lockAndLook(key, token, durationMs, lookFor));
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#reach("delete", () => this.#real.delete(keys));
  }

  unlock(key: string, token: string): Promise<void> {
    return this.#reach("unlock", () => this.#real.unlock(key, token));
  }

  publish(channel: string, message: string): Promise<void> {
    return this.#reach("publish", () => this.#real.publish(channel, message));
  }

  async #held<T>(command: HoldableCommand, run: () => Promise<T>): Promise<T> {
    const hold = this.#holds[command].shift();
    const reply = await this.#reach(command, run);
    hold?.onReply();
    await hold?.released;
    return reply;
  }

  async #reach<T>(command: keyof HeldCommands["calls"], run: () => Promise<T>): Promise<T> {
    this.calls[command]++;
    if (!this.isReachable) throw new CodedError("unavailable", "Redis cannot be reached");
    return run();
  }
}

import type {
  KeysToRead,
  LockOutcome,
  RedisCommands,
  WriteGroup,
  WriteOutcome,
} from "../../src/adapters/cache/redis/store/redis-commands.js";
import { namesOf } from "../../src/adapters/cache/redis-client/link/command-batches.js";

/** What the contract asks of a Redis, as a map: of each key the newest value. Tells everybody of each write. */
export class RedisKeysModel implements RedisCommands {
  readonly isSlow = false;
  readonly isOverloaded = false;
  readonly #values = new Map<string, string>();
  readonly #tell: (key: string) => void;
  readonly #now: () => number;

  constructor(now: () => number, tell: (key: string) => void) {
    this.#now = now;
    this.#tell = tell;
  }

  read(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return Promise.resolve(keys.map((key) => this.#values.get(key) ?? null));
  }

  readLate(keys: KeysToRead): Promise<readonly (string | null)[]> {
    return this.read(namesOf(keys));
  }

  writeNewest(groups: readonly WriteGroup[]): Promise<readonly (readonly WriteOutcome[])[]> {
    return Promise.resolve(groups.map((group) => this.#writeGroup(group)));
  }

  delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) if (this.#values.delete(key)) this.#tell(key);
    return Promise.resolve();
  }

  lock(key: string, token: string): Promise<boolean> {
    if (this.#values.has(key)) return Promise.resolve(false);
    this.#values.set(key, token);
    return Promise.resolve(true);
  }

  async lockAndLook(key: string, token: string, _durationMs: number, lookFor: string): Promise<LockOutcome> {
    if (!(await this.lock(key, token))) return "of-another";
    return this.#values.has(lookFor) ? "taken-and-maybe-there" : "taken-and-absent";
  }

  unlock(key: string, token: string): Promise<void> {
    if (this.#values.get(key) === token) this.#values.delete(key);
    return Promise.resolve();
  }

  publish(): Promise<void> {
    return Promise.resolve();
  }

  #writeGroup({ writes, onlyIfExists, unlessLater }: WriteGroup): readonly WriteOutcome[] {
    if (unlessLater !== undefined && Number(this.#values.get(unlessLater.key)) > unlessLater.than)
      return writes.map(() => ({ outcome: "withheld" }));
    if (onlyIfExists !== undefined && !this.#values.has(onlyIfExists))
      return writes.map(() => ({ outcome: "not-cached" }));
    return writes.map(({ key, value, updatedAt }) => {
      const stored = this.#values.get(key);
      const storedAt = Number(this.#values.get(`${key}#timestamp`));
      const isOrdered = updatedAt !== undefined && updatedAt !== 0;
      if (isOrdered && stored !== undefined && storedAt > updatedAt) return { outcome: "older", stored, storedAt };
      this.#set(key, value);
      this.#set(`${key}#timestamp`, String(updatedAt ?? this.#now()));
      return { outcome: "written" };
    });
  }

  #set(key: string, value: string): void {
    this.#values.set(key, value);
    this.#tell(key);
  }
}

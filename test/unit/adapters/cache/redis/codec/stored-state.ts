import { type DecodedState, decodeState } from "../../../../../../src/adapters/cache/redis/codec/decode-state.js";
import type { KeyWrite } from "../../../../../../src/adapters/cache/redis/store/redis-commands.js";
import { timestampKey } from "../../../../../../src/adapters/cache/redis/store/redis-keys.js";
import { StateRead } from "../../../../../../src/adapters/cache/redis/store/state-reader.js";
import type { EntitlementReference } from "../../../../../../src/domain/entitlement.js";
import type { Subject } from "../../../../../../src/domain/subject.js";
import type { FieldFault } from "../../../../../../src/wire/fault-log.js";

export const ENVIRONMENT = "production";
/** When data without a timestamp of its own is stamped. */
export const WRITTEN_AT = Date.UTC(2026, 2, 10);

/** A Redis that holds what was written, with neither order nor expiry. */
export class KeptKeys {
  readonly values = new Map<string, string>();

  write(writes: readonly KeyWrite[]): this {
    for (const { key, value, updatedAt } of writes) this.set(key, value, String(updatedAt ?? WRITTEN_AT));
    return this;
  }

  set(key: string, value: string, timestamp?: string): this {
    this.values.set(key, value);
    if (timestamp !== undefined) this.values.set(timestampKey(key), timestamp);
    return this;
  }

  delete(key: string): this {
    this.values.delete(key);
    return this;
  }

  /** Reads with these usages, and where they do not suffice, once more with those that are needed. */
  state(subject: Subject, guess: readonly EntitlementReference[] = [], faults: FieldFault[] = []): DecodedState {
    const stored = this.readOnce(subject, guess, faults);
    return stored.outcome === "incomplete" ? this.readOnce(subject, stored.usages, faults) : stored;
  }

  readOnce(subject: Subject, entitlements: readonly EntitlementReference[], faults: FieldFault[] = []): DecodedState {
    const read = new StateRead(ENVIRONMENT, subject, () => entitlements);
    return decodeState(read.reading(read.keys().map((key) => this.values.get(key) ?? null)), (fault) =>
      faults.push(fault),
    );
  }
}

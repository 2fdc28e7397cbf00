import type { CustomerState } from "../../../../domain/customer-state.js";
import type { EntitlementReference } from "../../../../domain/entitlement.js";
import type { Subject } from "../../../../domain/subject.js";
import type { Usage } from "../../../../domain/usage/usage.js";
import type { StateTrust } from "../codec/sidecar-record.js";
import { metadataKey, readTimestamp, stateKey, timestampKey, usageKey } from "./redis-keys.js";

/** One key's value with its timestamp, as Redis gave them. */
export interface StampedValue {
  readonly value: string | null;
  readonly timestamp: string | null;
}

/** What was read of a subject, at one point in time where all of it came in one round trip from one server. */
export interface StateReading {
  readonly subject: Subject;
  readonly state: StampedValue;
  readonly metadata: StampedValue;
  /** Of a resource: the timestamp of its customer's own state. */
  readonly globalTimestamp: string | null;
  usage(entitlement: EntitlementReference): StampedValue | undefined;
}

/**
 * Which keys to read for a subject, when which usages its state has is only known once it is read: those that
 * states lately had are read with it, and only one that is among none of them costs a second round trip.
 */
export class StateRead {
  readonly #environment: string;
  readonly #subject: Subject;
  readonly #expected: () => readonly EntitlementReference[];
  #entitlements: readonly EntitlementReference[] = [];

  /** @param expected the entitlements that the state is likely to keep usages of, when it is read */
  constructor(environment: string, subject: Subject, expected: () => readonly EntitlementReference[]) {
    this.#environment = environment;
    this.#subject = subject;
    this.#expected = expected;
  }

  /** The keys to read now. */
  readonly keys = (): readonly string[] => {
    const [environment, subject] = [this.#environment, this.#subject];
    this.#entitlements = this.#expected();
    const keys: string[] = [];
    addStamped(keys, stateKey(environment, subject));
    addStamped(keys, metadataKey(environment, subject));
    for (const entitlement of this.#entitlements) addStamped(keys, usageKey(environment, subject, entitlement));
    if (subject.resourceId !== undefined)
      keys.push(timestampKey(stateKey(environment, { customerId: subject.customerId })));
    return keys;
  };

  /** @param values of the keys that were named last, in their order */
  reading(values: readonly (string | null)[]): StateReading {
    return new ValuesRead(this.#subject, this.#entitlements, values);
  }
}

class ValuesRead implements StateReading {
  readonly subject: Subject;
  readonly state: StampedValue;
  readonly metadata: StampedValue;
  readonly globalTimestamp: string | null;
  readonly #entitlements: readonly EntitlementReference[];
  readonly #values: readonly (string | null)[];
  /** Usages are asked for in the order in which they were read, mostly. */
  #next = 0;

  constructor(subject: Subject, entitlements: readonly EntitlementReference[], values: readonly (string | null)[]) {
    this.subject = subject;
    this.#entitlements = entitlements;
    this.#values = values;
    this.state = this.#stamped(0);
    this.metadata = this.#stamped(1);
    this.globalTimestamp = subject.resourceId === undefined ? null : (values.at(-1) ?? null);
  }

  usage({ type, id }: EntitlementReference): StampedValue | undefined {
    const count = this.#entitlements.length;
    for (let step = 0; step < count; step++) {
      const index = (this.#next + step) % count;
      const entitlement = this.#entitlements[index];
      if (entitlement?.id !== id || entitlement.type !== type) continue;
      this.#next = index + 1;
      return this.#stamped(index + 2);
    }
    return undefined;
  }

  #stamped(index: number): StampedValue {
    return { value: this.#values[2 * index] ?? null, timestamp: this.#values[2 * index + 1] ?? null };
  }
}

function addStamped(keys: string[], key: string): void {
  keys.push(key, timestampKey(key));
}

/**
 * Whether a resource's state is older than its customer's own: what a customer may do itself has a part in what its
 * resources may do.
 *
 * @param timestamp of the resource's state, epoch milliseconds
 */
export function isOutdated(
  { subject, globalTimestamp }: StateReading,
  timestamp: number,
  trust: StateTrust | undefined,
): boolean {
  if (subject.resourceId === undefined) return false;
  const customerTimestamp = readTimestamp(globalTimestamp);
  if (customerTimestamp === undefined) return true;
  return timestamp < customerTimestamp && (trust?.globalUpdatedAt ?? 0) < customerTimestamp;
}

/** What a state keeps usages of beside itself. */
export function* usagesOfState(state: CustomerState): Iterable<EntitlementReference> {
  for (const { feature, kind } of state.features()) if (kind === "metered") yield { type: "feature", id: feature.id };
  for (const { currency } of state.credits()) yield { type: "credit", id: currency.currencyId };
}

export function usageIn(state: CustomerState, { type, id }: EntitlementReference): Usage {
  return type === "feature" ? state.featureUsage(id) : state.creditUsage(id);
}

/** Newer metadata were written with a state that lost against this one; an empty state loses against none. */
export function belongsTo(stateTimestamp: number, metadataTimestamp: number): boolean {
  return stateTimestamp === 0 ? metadataTimestamp === 0 : metadataTimestamp >= stateTimestamp;
}

import type { EntitlementReference } from "../../../../domain/entitlement.js";
import type { Subject } from "../../../../domain/subject.js";
import { metadataKey, stateKey, timestampKey, usageKey } from "./redis-keys.js";

/** One key's value with its timestamp, as Redis gave them. */
export interface StampedValue {
  readonly value: string | null;
  readonly timestamp: string | null;
}

/** What was read of a subject, at one moment where all of it came in one round trip from one server. */
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
  readonly keys: readonly string[];
  readonly #subject: Subject;
  readonly #entitlements: readonly EntitlementReference[];

  constructor(environment: string, subject: Subject, entitlements: readonly EntitlementReference[]) {
    this.#subject = subject;
    this.#entitlements = entitlements;
    const keys = [stateKey(environment, subject), metadataKey(environment, subject)];
    for (const entitlement of entitlements) keys.push(usageKey(environment, subject, entitlement));
    const stamped = keys.flatMap((key) => [key, timestampKey(key)]);
    if (subject.resourceId !== undefined) stamped.push(timestampKey(stateKey(environment, { customerId: subject.customerId })));
    this.keys = stamped;
  }

  /** @param values of the keys, in their order */
  reading(values: readonly (string | null)[]): StateReading {
    const stamped = (index: number): StampedValue => ({ value: values[2 * index] ?? null, timestamp: values[2 * index + 1] ?? null });
    const subject = this.#subject;
    const usages = { feature: new Map<string, StampedValue>(), credit: new Map<string, StampedValue>() };
    this.#entitlements.forEach(({ type, id }, index) => usages[type].set(id, stamped(index + 2)));
    return {
      subject,
      state: stamped(0),
      metadata: stamped(1),
      globalTimestamp: subject.resourceId === undefined ? null : (values.at(-1) ?? null),
      usage: ({ type, id }) => usages[type].get(id),
    };
  }
}

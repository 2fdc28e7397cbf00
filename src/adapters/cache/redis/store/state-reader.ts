import type { CustomerState } from "../../../../domain/customer-state.js";
import type { EntitlementReference } from "../../../../domain/entitlement.js";
import type { Subject } from "../../../../domain/subject.js";
import type { Usage } from "../../../../domain/usage/usage.js";
import { isFarAhead, withPossibleTimestamps } from "../../../../domain/with-default-timestamps.js";
import type { Clock } from "../../../../ports/clock.js";
import type { Logger } from "../../../../ports/logger.js";
import type { FieldFault } from "../../../../wire/fault-log.js";
import { type DecodedState, decodeState } from "../codec/decode-state.js";
import type { NearStore } from "../coherence/coherence.js";
import { RecognizedStates } from "./recognized-states.js";
import type { RedisCommands } from "./redis-commands.js";
import { metadataKey, type StampedValue, stateKey, type StateReading, timestampKey, usageKey } from "./redis-keys.js";

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
  reading(values: readonly (string | null)[]): ValuesRead {
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
  /** The latest of all timestamps that were looked at. */
  latest = 0;

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
    const timestamp = this.#values[2 * index + 1] ?? null;
    const time = Number(timestamp);
    if (time > this.latest) this.latest = time;
    return { value: this.#values[2 * index] ?? null, timestamp };
  }
}

function addStamped(keys: string[], key: string): void {
  keys.push(key, timestampKey(key));
}

/** What a state keeps usages of beside itself. */
export function* usagesOfState(state: CustomerState): Iterable<EntitlementReference> {
  for (const { feature, kind } of state.features()) if (kind === "metered") yield { type: "feature", id: feature.id };
  for (const { currency } of state.credits()) yield { type: "credit", id: currency.currencyId };
}

export function usageIn(state: CustomerState, { type, id }: EntitlementReference): Usage {
  return type === "feature" ? state.featureUsage(id) : state.creditUsage(id);
}

/** A subject as Redis knows it, and the values that say so. */
export interface ReadState {
  readonly stored: Exclude<DecodedState, { readonly outcome: "incomplete" }>;
  readonly reading: StateReading;
}

/** How often a state is read again because it has meanwhile come to have other usages. */
const MAX_ROUNDS = 3;
/** How many different faults are reported; what comes after that is a miss like any other. */
const MAX_FAULTS_REPORTED = 1_000;

/** Reads states with their usages in one round trip, or in two where a state has usages that none had lately. */
export class StateReader {
  readonly #commands: RedisCommands;
  readonly #environment: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #guess = new UsageKeyPrediction();
  readonly #faultsReported = new Set<string>();

  readonly #recognized: RecognizedStates;

  constructor(commands: RedisCommands, near: NearStore, environment: string, clock: Clock, logger: Logger) {
    this.#commands = commands;
    this.#recognized = new RecognizedStates(near);
    this.#environment = environment;
    this.#clock = clock;
    this.#logger = logger;
  }

  /**
   * @param expected the usages that the state is likely to have, where that is known
   * @param isLateGood whether an answer counts that comes after the time limit of commands
   * @throws CodedError as RedisCommands does
   */
  async read(subject: Subject, expected?: readonly EntitlementReference[], isLateGood = false): Promise<ReadState> {
    let usages = expected === undefined ? this.#predicted : () => expected;
    for (let round = 1; ; round++) {
      const read = new StateRead(this.#environment, subject, usages);
      const reading = read.reading(
        await (isLateGood ? this.#commands.readLate(read.keys) : this.#commands.read(read.keys())),
      );
      const recognized = this.#recognized.find(reading);
      const stored = recognized ?? decodeState(reading, (fault) => this.#tell(subject, fault));
      if (stored.outcome !== "incomplete") {
        if (recognized === undefined && stored.outcome === "found") this.#recognized.learn(reading, stored);
        if (stored.outcome === "found") this.#guess.learn(stored.usages);
        const now = this.#clock.now();
        if (stored.outcome !== "found" || !isFarAhead(reading.latest, now)) return { stored, reading };
        return { stored: { ...stored, state: withPossibleTimestamps(stored.state, now) }, reading };
      }
      if (round === MAX_ROUNDS) return { stored: { outcome: "missing", reason: "without-usage" }, reading };
      const { usages: stated } = stored;
      usages = () => stated;
    }
  }

  readonly #predicted = (): readonly EntitlementReference[] => this.#guess.entitlements;

  #tell(subject: Subject, { message }: FieldFault): void {
    if (this.#faultsReported.size >= MAX_FAULTS_REPORTED || this.#faultsReported.has(message)) return;
    this.#faultsReported.add(message);
    this.#logger.warn("a state in Redis cannot be read and is asked for again", { ...subject, fault: message });
  }
}

const DEFAULT_MAX_REMEMBERED = 64;

/** Remembers which usages states lately had, so that they can be read in the same round trip as the next state. */
export class UsageKeyPrediction {
  readonly #maxRemembered: number;
  /** By type and id, the ones of the latest state last. */
  readonly #remembered = new Map<string, EntitlementReference>();
  #list: readonly EntitlementReference[] = [];
  #learntLast: readonly EntitlementReference[] | undefined;

  constructor(maxRemembered = DEFAULT_MAX_REMEMBERED) {
    this.#maxRemembered = maxRemembered;
  }

  get entitlements(): readonly EntitlementReference[] {
    return this.#list;
  }

  /** @param entitlements what a state was found to keep usages of */
  learn(entitlements: readonly EntitlementReference[]): void {
    if (entitlements === this.#learntLast) return;
    this.#learntLast = entitlements;
    let isNew = false;
    for (const entitlement of entitlements) {
      const name = `${entitlement.type} ${entitlement.id}`;
      isNew = !this.#remembered.delete(name) || isNew;
      this.#remembered.set(name, entitlement);
    }
    for (const name of this.#remembered.keys()) {
      if (this.#remembered.size <= this.#maxRemembered) break;
      this.#remembered.delete(name);
    }
    if (isNew) this.#list = [...this.#remembered.values()];
  }
}

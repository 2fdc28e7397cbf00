import type { EntitlementReference } from "../../../../domain/entitlement.js";
import type { Subject } from "../../../../domain/subject.js";
import type { Logger } from "../../../../ports/logger.js";
import type { FieldFault } from "../../../../wire/fault-log.js";
import { type DecodedState, decodeState } from "../codec/decode-state.js";
import type { NearStore } from "../coherence/coherence.js";
import { RecognizedStates } from "./recognized-states.js";
import type { RedisCommands } from "./redis-commands.js";
import { StateRead, type StateReading } from "./state-read.js";

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
  readonly #logger: Logger;
  readonly #guess = new UsageKeyPrediction();
  readonly #faultsReported = new Set<string>();

  readonly #recognized: RecognizedStates;

  constructor(commands: RedisCommands, near: NearStore, environment: string, logger: Logger) {
    this.#commands = commands;
    this.#recognized = new RecognizedStates(near);
    this.#environment = environment;
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
        return { stored, reading };
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

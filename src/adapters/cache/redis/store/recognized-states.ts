import type { AccessDeniedReason } from "../../../../domain/decision/access-denied-reason.js";
import type { Subject } from "../../../../domain/subject.js";
import type { Usage } from "../../../../domain/usage/usage.js";
import {
  type FieldSource,
  MAX_SLOTS,
  partsAt,
  type QuotedIds,
  quotedIds,
  type SlotValues,
  valueOf,
} from "../../../../wire/templates/json-template.js";
import { KnownTexts, LearningCredit, TemplateTree } from "../../../../wire/templates/known-texts.js";
import type { Learnt } from "../../../../wire/templates/learn-template.js";
import type { KnownState } from "../codec/decode-state.js";
import type { NearStore } from "../coherence/coherence.js";
import {
  decodeEnd,
  decodeMember,
  decodeMetadataText,
  decodeUsageText,
  type MemberForm,
  type MetadataForm,
  type UsageForm,
} from "./learn-stored-texts.js";
import {
  belongsTo,
  hasAmbiguousKeys,
  isOutdated,
  readTimestamp,
  type StampedValue,
  type StateReading,
  timestampOf,
} from "./redis-keys.js";
import { StateShape } from "./state-shape.js";

interface KnownForms {
  readonly shapes: Set<StateShape>;
  readonly states: TemplateTree<MemberForm, StateShape>;
  readonly metadata: KnownTexts<MetadataForm>;
  readonly usages: KnownTexts<UsageForm>;
}

/**
 * Reads states of the usual forms without parsing them: of most, all but numbers has been read before. Whatever is in any way
 * unusual is left to decodeState, whose answers it gives.
 */
export class RecognizedStates {
  readonly #near: NearStore;
  /** Of customers, and of their resources: what a text without a resource's id says differs. */
  readonly #ofCustomers: KnownForms;
  readonly #ofResources: KnownForms;
  readonly #credit = new LearningCredit();
  readonly #values: SlotValues = { numbers: new Float64Array(MAX_SLOTS), end: 0 };
  readonly #ofUsage: SlotValues = { numbers: new Float64Array(MAX_SLOTS), end: 0 };

  constructor(near: NearStore) {
    this.#near = near;
    this.#ofCustomers = newForms();
    this.#ofResources = newForms();
  }

  /** @returns undefined where decodeState has to say */
  find(reading: StateReading): KnownState | undefined {
    const { subject, state } = reading;
    const timestamp = readTimestamp(state.timestamp);
    if (state.value === null || timestamp === undefined || hasAmbiguousKeys(subject)) return undefined;
    const ids = quotedIds(subject);
    const { numbers } = this.#values;
    const forms = this.#formsOf(subject);
    const shape = forms.states.match(state.value, ids, this.#values);
    if (shape === undefined) return undefined;
    const reason = this.#reason(forms, reading.metadata, timestamp, ids);
    if (reason === "unknown") return undefined;
    const usages = this.#usagesOf(forms, shape, reading, ids);
    if (usages === undefined) return undefined;
    const updatedAt = shape.record === undefined ? timestampOf(timestamp) : shape.updatedAt(numbers);
    const compact = shape.state(numbers, usages, reason, updatedAt);
    if (compact === undefined) return undefined;
    this.#credit.earn();
    const trust = shape.trust(numbers);
    return {
      outcome: "found",
      state: compact,
      trust,
      isOutdated: isOutdated(reading, timestamp, trust),
      usages: shape.usages,
    };
  }

  /** For what decodeState has found and this did not recognize. */
  learn(reading: StateReading, found: KnownState): void {
    const { subject, state, metadata } = reading;
    if (state.value === null || found.state.unknown.length > 0 || hasAmbiguousKeys(subject) || !this.#credit.spend())
      return;
    const cut = partsAt(state.value, 0);
    if (cut?.end !== state.value.length) return;
    const parts = cut.parts.map((text, index) => ({
      text,
      decode: index < cut.parts.length - 1 ? decodeMember : decodeEnd,
    }));
    const { shapes, states, metadata: knownMetadata, usages } = this.#formsOf(subject);
    states.learn(parts, subject, (nodes) => {
      const shape = StateShape.of(nodes, this.#near);
      if (shape !== undefined) shapes.add(shape);
      return shape;
    });
    const ids = quotedIds(subject);
    // What is not believed may be another subject's.
    const isOwn = belongsTo(readTimestamp(state.timestamp) ?? NaN, readTimestamp(metadata.timestamp) ?? NaN);
    if (metadata.value !== null && isOwn && knownMetadata.match(metadata.value, ids, this.#ofUsage, 0) === undefined)
      knownMetadata.learn(metadata.value, subject);
    for (const usage of found.usages) {
      const { value = null } = reading.usage(usage) ?? {};
      if (value !== null && usages.match(value, ids, this.#ofUsage, 0) === undefined) usages.learn(value, subject);
    }
  }

  #formsOf({ resourceId }: Subject): KnownForms {
    return resourceId === undefined ? this.#ofCustomers : this.#ofResources;
  }

  #reason(
    forms: KnownForms,
    { value, timestamp }: StampedValue,
    stateTimestamp: number,
    ids: QuotedIds,
  ): AccessDeniedReason | undefined | "unknown" {
    const metadataTimestamp = readTimestamp(timestamp);
    if (value === null || metadataTimestamp === undefined || !belongsTo(stateTimestamp, metadataTimestamp))
      return undefined;
    const known = forms.metadata.match(value, ids, this.#ofUsage, 0);
    return known === undefined ? "unknown" : known.rest.accessDeniedReason;
  }

  #usagesOf(forms: KnownForms, shape: StateShape, reading: StateReading, ids: QuotedIds): readonly Usage[] | undefined {
    const usages: Usage[] = [];
    for (const reference of shape.usages) {
      const stored = reading.usage(reference);
      const timestamp = readTimestamp(stored?.timestamp);
      if (typeof stored?.value !== "string" || timestamp === undefined) return undefined;
      const known = forms.usages.match(stored.value, ids, this.#ofUsage, 0);
      if (known === undefined) return undefined;
      usages.push(usageOf(known, this.#ofUsage.numbers, timestamp));
    }
    return usages;
  }
}

function newForms(): KnownForms {
  const shapes = new Set<StateShape>();
  return {
    shapes,
    states: new TemplateTree(() => {
      for (const shape of shapes) shape.release();
      shapes.clear();
    }),
    metadata: new KnownTexts(decodeMetadataText),
    usages: new KnownTexts(decodeUsageText),
  };
}

function usageOf({ sources, rest }: Learnt<UsageForm>, numbers: Float64Array, timestamp: number): Usage {
  return {
    currentUsage: numberAt(sources["used"], numbers) ?? 0,
    periodAnchor: undefined,
    periodStart: numberAt(sources["start"], numbers),
    periodEnd: numberAt(sources["periodEnd"], numbers),
    updatedAt: rest.hasRecord ? numberAt(sources["updatedAt"], numbers) : timestampOf(timestamp),
  };
}

function numberAt(source: FieldSource | undefined, numbers: Float64Array): number | undefined {
  return source === undefined ? undefined : valueOf(source, numbers, 0);
}

import {
  buildCustomerState,
  type CreditEntitlementInput,
  type FeatureEntitlementInput,
} from "../../../../domain/build-customer-state.js";
import type { AccessDeniedReason } from "../../../../domain/decision/access-denied-reason.js";
import type { EntitlementReference } from "../../../../domain/entitlement.js";
import type { Usage } from "../../../../domain/usage/usage.js";
import { type FieldSource, valueOf } from "../../../../wire/templates/json-template.js";
import type { PartNode } from "../../../../wire/templates/known-texts.js";
import type { EntitlementSet } from "../../memory/entitlement-schema.js";
import { CompactState } from "../../memory/memory-state.js";
import { packOwnNumbers } from "../../memory/own-numbers.js";
import type { StateTrust } from "../codec/sidecar-record.js";
import type { NearStore } from "../coherence/coherence.js";
import type { MemberForm, RecordForm } from "./learn-stored-texts.js";

interface Source {
  readonly from: FieldSource;
  readonly base: number;
}

interface Entry {
  readonly member: Exclude<MemberForm, { readonly type: "end" }>;
  readonly limit: Source;
  readonly end: Source;
  readonly used: Source;
  readonly anchor: Source;
  readonly start: Source;
  readonly periodEnd: Source;
}

interface KnownSet {
  readonly limits: readonly (number | undefined)[];
  readonly reason: AccessDeniedReason | undefined;
  readonly kept: CompactState;
}

/** Of how many combinations of limits the compact form is kept ready. */
const MAX_SETS = 64;

/** What stored states have in common that differ in numbers alone: from those, the compact state is made at once. */
export class StateShape {
  /** What such states keep usages of, beside themselves. */
  readonly usages: readonly EntitlementReference[];
  readonly record: RecordForm | undefined;
  readonly #near: NearStore;
  readonly #entries: readonly Entry[];
  readonly #ofRecord:
    Readonly<Record<"updatedAt" | "verifiedAt" | "recheckAt" | "globalUpdatedAt", Source>> | undefined;
  readonly #sets: KnownSet[] = [];

  private constructor(
    near: NearStore,
    entries: readonly Entry[],
    first: PartNode<MemberForm, StateShape>,
    record: RecordForm | undefined,
  ) {
    this.#near = near;
    this.#entries = entries;
    this.record = record;
    this.usages = entries.flatMap(({ member }) => member.usage ?? []);
    const of = (name: string) => sourceOf(first, name);
    this.#ofRecord = record && {
      updatedAt: of("updatedAt"),
      verifiedAt: of("verifiedAt"),
      recheckAt: of("recheckAt"),
      globalUpdatedAt: of("globalUpdatedAt"),
    };
  }

  /** @returns undefined where such a state takes more than to fill in numbers */
  static of(nodes: readonly PartNode<MemberForm, StateShape>[], near: NearStore): StateShape | undefined {
    const features: Entry[] = [];
    const credits: Entry[] = [];
    const ids = new Set<string>();
    const names = new Set<string>();
    let record: RecordForm | undefined;
    for (const [index, node] of nodes.entries()) {
      const member = node.learnt?.rest;
      if (member === undefined) return undefined;
      if (member.type === "end") continue;
      if (member.record !== undefined && index > 0) return undefined;
      record ??= member.record;
      (member.type === "feature" ? features : credits).push(entryOf(node, member));
      ids.add(member.type === "feature" ? `f ${member.input.feature.id}` : `c ${member.input.currency.currencyId}`);
      names.add(member.name);
    }
    const [first] = nodes;
    // Of members, or entitlements, with one name only the last counts.
    if (first === undefined || Math.min(ids.size, names.size) < features.length + credits.length) return undefined;
    return new StateShape(near, [...features, ...credits], first, record);
  }

  trust(numbers: Float64Array): StateTrust | undefined {
    if (this.#ofRecord === undefined || this.record?.isTrusting !== true) return undefined;
    const { verifiedAt, recheckAt, globalUpdatedAt } = this.#ofRecord;
    return {
      verifiedAt: read(verifiedAt, numbers) ?? 0,
      recheckAt: read(recheckAt, numbers) ?? Infinity,
      isVerified: this.record.isVerified,
      globalUpdatedAt: read(globalUpdatedAt, numbers),
    };
  }

  /** Of a state with a record. */
  updatedAt(numbers: Float64Array): number | undefined {
    return this.#ofRecord === undefined ? undefined : read(this.#ofRecord.updatedAt, numbers);
  }

  /**
   * @param usages as their keys tell them, in the order of `usages`, without their anchors
   * @returns undefined where a usage is told that such a state has no place for
   */
  state(
    numbers: Float64Array,
    usages: readonly Usage[],
    reason: AccessDeniedReason | undefined,
    updatedAt: number | undefined,
  ): CompactState | undefined {
    const columns: Usage[] = [];
    const limits: (number | undefined)[] = [];
    const ends: (number | undefined)[] = [];
    for (const entry of this.#entries) {
      limits.push(read(entry.limit, numbers));
      ends.push(read(entry.end, numbers));
      const periodAnchor = read(entry.anchor, numbers);
      if (entry.member.usage === undefined) {
        const isReported =
          read(entry.used, numbers) !== 0 ||
          periodAnchor !== undefined ||
          read(entry.start, numbers) !== undefined ||
          read(entry.periodEnd, numbers) !== undefined;
        if (isReported) return undefined;
      } else {
        const usage = usages[columns.length] as Usage;
        columns.push(periodAnchor === undefined ? usage : { ...usage, periodAnchor });
      }
    }
    return new CompactState(this.#setOf(limits, reason), packOwnNumbers({ updatedAt, ends, usages: columns }));
  }

  /** Nothing is kept ready any more. */
  release(): void {
    for (const { kept } of this.#sets.splice(0)) this.#near.release(kept);
  }

  #setOf(limits: readonly (number | undefined)[], reason: AccessDeniedReason | undefined): EntitlementSet {
    const sets = this.#sets;
    for (let index = 0; index < sets.length; index++) {
      const known = sets[index] as KnownSet;
      if (known.reason !== reason || !haveSame(known.limits, limits)) continue;
      if (index > 0) {
        sets[index] = sets[index - 1] as KnownSet;
        sets[index - 1] = known;
      }
      return known.kept.set;
    }
    const kept = this.#near.hold(this.#inFull(limits, reason));
    if (sets.length >= MAX_SETS) {
      const last = sets.pop();
      if (last !== undefined) this.#near.release(last.kept);
    }
    sets.push({ limits, reason, kept });
    return kept.set;
  }

  #inFull(limits: readonly (number | undefined)[], accessDeniedReason: AccessDeniedReason | undefined) {
    const features: FeatureEntitlementInput[] = [];
    const credits: CreditEntitlementInput[] = [];
    for (const [index, { member }] of this.#entries.entries()) {
      if (member.type === "feature") features.push({ ...member.input, usageLimit: limits[index] });
      else credits.push({ ...member.input, usageLimit: limits[index] ?? 0 });
    }
    return buildCustomerState({
      features,
      credits,
      accessDeniedReason,
      includesWallets: this.record?.includesWallets === true,
    });
  }
}

function entryOf(node: PartNode<MemberForm, StateShape>, member: Entry["member"]): Entry {
  const of = (name: string) => sourceOf(node, name);
  return {
    member,
    limit: of("limit"),
    end: of("end"),
    used: of("used"),
    anchor: of("anchor"),
    start: of("start"),
    periodEnd: of("periodEnd"),
  };
}

function sourceOf({ learnt, base }: PartNode<MemberForm, StateShape>, name: string): Source {
  return { from: learnt?.sources[name] ?? { slot: -1, constant: undefined }, base };
}

function read({ from, base }: Source, numbers: Float64Array): number | undefined {
  return valueOf(from, numbers, base);
}

function haveSame(one: readonly (number | undefined)[], other: readonly (number | undefined)[]): boolean {
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}

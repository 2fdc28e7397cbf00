import { CommonEntitlements } from "../../../domain/build-customer-state.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import type { AccessDeniedReason } from "../../../domain/decision/access-denied-reason.js";
import type { Usage } from "../../../domain/usage/usage.js";
import {
  type FieldSource,
  MAX_SLOTS,
  type QuotedIds,
  type SlotValues,
  valueOf,
} from "../../../wire/templates/json-template.js";
import { LearningCredit, type PartNode, TemplateTree } from "../../../wire/templates/known-texts.js";
import { type AnswerForm, partsOfAnswer } from "./learn-answers.js";

/** Nothing in an answer says whose it is: a text that repeats an id is of that id alone. */
const NO_ONE = { customerId: "" };
const NO_IDS: QuotedIds = { customerId: '""', resourceId: undefined };

/**
 * Reads answers of the usual forms without parsing them: of most, all but numbers and times has been read before. Whatever is
 * in any way unusual is left to `decodeEntitlementsState`, and says afterwards what it looks like, so that the next one is known.
 */
export class RecognizedAnswers {
  readonly #tree = new TemplateTree<AnswerForm, AnswerShape>(() => undefined);
  readonly #credit = new LearningCredit();
  readonly #values: SlotValues = { numbers: new Float64Array(MAX_SLOTS), end: 0 };

  /** @returns undefined where decodeEntitlementsState has to say */
  find(text: string): CustomerState | undefined {
    const shape = this.#tree.match(text, NO_IDS, this.#values);
    if (shape === undefined) return undefined;
    this.#credit.earn();
    return shape.stateOf(this.#values.numbers);
  }

  /** @param decoded what the decoder made of the text, without any fault */
  learn(text: string, decoded: CustomerState): void {
    if (!this.#credit.spend()) return;
    const parts = partsOfAnswer(text);
    if (parts === undefined) return;
    this.#tree.learn(parts, NO_ONE, (nodes) => AnswerShape.of(nodes, decoded.accessDeniedReason));
  }
}

type Member = Exclude<AnswerForm, { readonly type: "frame" }>;
type Node = PartNode<AnswerForm, AnswerShape>;

const FIELDS = ["limit", "end", "used", "anchor", "start", "periodEnd", "usedAt", "updatedAt"] as const;

interface Entry extends Readonly<Record<(typeof FIELDS)[number], FieldSource>> {
  readonly member: Member;
  readonly id: string;
  readonly base: number;
}

interface KnownTerms {
  /** The limit and the end of each entitlement in turn. */
  readonly own: readonly (number | undefined)[];
  readonly common: CommonEntitlements;
}

/** Of how many combinations of limits and ends the entitlements are kept ready. */
const MAX_TERMS = 64;
const NONE: FieldSource = { slot: -1, constant: undefined };

/** What answers have in common that differ in numbers and times alone: from those, the state is made at once. */
class AnswerShape {
  readonly #entries: readonly Entry[];
  readonly #reason: AccessDeniedReason | undefined;
  readonly #terms: KnownTerms[] = [];

  private constructor(entries: readonly Entry[], reason: AccessDeniedReason | undefined) {
    this.#entries = entries;
    this.#reason = reason;
  }

  /** @returns undefined where such a state takes more than to fill in numbers */
  static of(nodes: readonly Node[], reason: AccessDeniedReason | undefined): AnswerShape | undefined {
    const entries: Entry[] = [];
    const ids = new Set<string>();
    for (const { learnt, base } of nodes) {
      if (learnt === undefined) return undefined;
      const member = learnt.rest;
      if (member.type === "frame") continue;
      const id = member.type === "feature" ? member.input.feature.id : member.input.currency.currencyId;
      ids.add(`${member.type} ${id}`);
      const sources = Object.fromEntries(FIELDS.map((name) => [name, learnt.sources[name] ?? NONE]));
      entries.push({ ...(sources as Record<(typeof FIELDS)[number], FieldSource>), member, id, base });
    }
    // Of entitlements with one id only the last counts.
    return ids.size === entries.length ? new AnswerShape(entries, reason) : undefined;
  }

  stateOf(numbers: Float64Array): CustomerState {
    const features = new Map<string, Usage>();
    const credits = new Map<string, Usage>();
    const own: (number | undefined)[] = [];
    let updatedAt: number | undefined;
    for (const entry of this.#entries) {
      const { base, member } = entry;
      const entryUpdatedAt = valueOf(entry.updatedAt, numbers, base);
      if (entryUpdatedAt !== undefined && (updatedAt === undefined || entryUpdatedAt > updatedAt))
        updatedAt = entryUpdatedAt;
      own.push(valueOf(entry.limit, numbers, base), valueOf(entry.end, numbers, base));
      (member.type === "feature" ? features : credits).set(entry.id, {
        currentUsage: valueOf(entry.used, numbers, base) ?? 0,
        periodAnchor: valueOf(entry.anchor, numbers, base),
        periodStart: valueOf(entry.start, numbers, base),
        periodEnd: valueOf(entry.periodEnd, numbers, base),
        updatedAt: valueOf(entry.usedAt, numbers, base),
      });
    }
    return this.#commonOf(own).stateOf(updatedAt, features, credits);
  }

  #commonOf(own: readonly (number | undefined)[]): CommonEntitlements {
    const terms = this.#terms;
    for (let index = 0; index < terms.length; index++) {
      const known = terms[index] as KnownTerms;
      if (!haveSame(known.own, own)) continue;
      if (index > 0) {
        terms[index] = terms[index - 1] as KnownTerms;
        terms[index - 1] = known;
      }
      return known.common;
    }
    const common = this.#inFull(own);
    if (terms.length >= MAX_TERMS) terms.pop();
    terms.push({ own, common });
    return common;
  }

  #inFull(own: readonly (number | undefined)[]): CommonEntitlements {
    const features = [];
    const credits = [];
    for (const [index, { member }] of this.#entries.entries()) {
      const [usageLimit, validUntil] = [own[2 * index], own[2 * index + 1]];
      if (member.type === "feature") features.push({ ...member.input, usageLimit, validUntil });
      else credits.push({ ...member.input, usageLimit: usageLimit ?? 0, validUntil });
    }
    return new CommonEntitlements({ features, credits, accessDeniedReason: this.#reason });
  }
}

function haveSame(one: readonly (number | undefined)[], other: readonly (number | undefined)[]): boolean {
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}

/** A member of an answer, as the wire's JSON has it. */
export type FieldValue = string | number | boolean;

/** One entitlement of an answer, or the answer itself: its members by their names, such as "usageLimit" or "feature.units". */
export type AnswerItem = ReadonlyMap<string, FieldValue>;

/** What came of one question. */
export interface ObservedAnswer {
  /** The code of the failure that came in place of an answer; undefined: an answer came. */
  readonly failure: string | undefined;
  /** By the id of feature or currency; an answer about one alone has the key "". */
  readonly items: ReadonlyMap<string, AnswerItem>;
}

/**
 * What an answer differs in:
 * - `error`: one failed, or both with different codes
 * - `access`: granted by one, denied by the other
 * - `reason`, `fallback`: why it is denied, and whether it was made up
 * - `kind`: a feature of another type
 * - `limit`, `values`: how much or what is allowed
 * - `usage`: what is used or left
 * - `period`: when usage begins at 0 again
 * - `entitlement`: one lists it, and the other does not
 * - `description`: units, names, and whatever else is told beside
 */
export const DIFFERENCE_CLASSES = [
  "error",
  "access",
  "reason",
  "fallback",
  "kind",
  "limit",
  "values",
  "usage",
  "period",
  "entitlement",
  "description",
] as const;
export type DifferenceClass = (typeof DIFFERENCE_CLASSES)[number];

export interface AnswerDifference {
  readonly class: DifferenceClass;
  /** The id of feature or currency, where the answer is about several. */
  readonly item: string;
  /** Empty where it is the whole that differs. */
  readonly field: string;
  /** Undefined: it is not there. */
  readonly incumbent: FieldValue | undefined;
  readonly candidate: FieldValue | undefined;
}

const CLASS_OF_FIELD: Readonly<Partial<Record<string, DifferenceClass>>> = {
  hasAccess: "access",
  accessDeniedReason: "reason",
  isFallback: "fallback",
  kind: "kind",
  usageLimit: "limit",
  isUnlimited: "limit",
  hasSoftLimit: "limit",
  value: "limit",
  enumValues: "values",
  currentUsage: "usage",
  remaining: "usage",
  resetPeriod: "period",
  nextResetDate: "period",
  usagePeriodAnchor: "period",
  usagePeriodStart: "period",
  usagePeriodEnd: "period",
};
/** Of an item whose kinds differ the members of the one kind say nothing of the other. */
const OF_ANY_KIND: ReadonlySet<string> = new Set(["hasAccess", "accessDeniedReason", "isFallback", "kind"]);

/** What two answers to the same question differ in, field by field; none: they are the same. */
export function compareAnswers(incumbent: ObservedAnswer, candidate: ObservedAnswer): readonly AnswerDifference[] {
  if (incumbent.failure !== undefined || candidate.failure !== undefined) {
    if (incumbent.failure === candidate.failure) return [];
    return [{ class: "error", item: "", field: "", incumbent: outcomeOf(incumbent), candidate: outcomeOf(candidate) }];
  }
  const differences: AnswerDifference[] = [];
  for (const item of new Set([...incumbent.items.keys(), ...candidate.items.keys()])) {
    const [one, other] = [incumbent.items.get(item), candidate.items.get(item)];
    if (one !== undefined && other !== undefined) differences.push(...compareItems(item, one, other));
    else
      differences.push({
        class: "entitlement",
        item,
        field: "",
        incumbent: one === undefined ? undefined : "listed",
        candidate: other === undefined ? undefined : "listed",
      });
  }
  return differences;
}

function* compareItems(item: string, one: AnswerItem, other: AnswerItem): Iterable<AnswerDifference> {
  const areOfOneKind = one.get("kind") === other.get("kind");
  for (const field of new Set([...one.keys(), ...other.keys()])) {
    if (!areOfOneKind && !OF_ANY_KIND.has(field)) continue;
    const [incumbent, candidate] = [one.get(field), other.get(field)];
    if (incumbent === candidate) continue;
    yield { class: CLASS_OF_FIELD[field] ?? "description", item, field, incumbent, candidate };
  }
}

function outcomeOf({ failure }: ObservedAnswer): string {
  return failure ?? "answered";
}

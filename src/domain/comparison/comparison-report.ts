import { type AnswerDifference, DIFFERENCE_CLASSES, type DifferenceClass } from "./compare-answers.js";

/** Examples that are kept of each class: enough to look into, few enough to read. */
const EXAMPLES = 20;

/** What was asked, for whoever looks into a difference. */
export interface ComparedQuestion {
  readonly method: string;
  readonly request: string;
}

export type DifferenceExample = ComparedQuestion & Omit<AnswerDifference, "class">;

export interface ClassOfDifferences {
  /** Answers that differ in this way; one that differs in several is counted in each. */
  readonly answers: number;
  readonly examples: readonly DifferenceExample[];
}

/** A report as it is sent to who looks at it. */
export interface ComparisonSummary extends Pick<
  ComparisonReport,
  "compared" | "same" | "passing" | "different" | "skipped"
> {
  /** Of those classes that there are, the gravest first. */
  readonly classes: Readonly<Partial<Record<DifferenceClass, ClassOfDifferences>>>;
}

/** What came of comparing the answers of two services. */
export class ComparisonReport {
  /** Answers that were compared. */
  compared = 0;
  /** Of those, how many were the same; that differed and were the same, or one on its way to the other, when asked again; that stay different. */
  same = 0;
  passing = 0;
  different = 0;
  /** Answers that were not compared: more came than could be asked for twice. */
  skipped = 0;
  readonly #classes = new Map<DifferenceClass, { answers: number; examples: DifferenceExample[] }>();

  addSame(): void {
    this.compared++;
    this.same++;
  }

  addPassing(): void {
    this.compared++;
    this.passing++;
  }

  addDifferent(question: ComparedQuestion, differences: readonly AnswerDifference[]): void {
    this.compared++;
    this.different++;
    for (const is of new Set(differences.map((difference) => difference.class))) {
      const known = this.#classes.get(is) ?? { answers: 0, examples: [] };
      this.#classes.set(is, known);
      known.answers++;
      if (known.examples.length === EXAMPLES) continue;
      const first = differences.find((difference) => difference.class === is) as AnswerDifference;
      const { item, field, incumbent, candidate } = first;
      known.examples.push({ ...question, item, field, incumbent, candidate });
    }
  }

  summary(): ComparisonSummary {
    const { compared, same, passing, different, skipped } = this;
    return { compared, same, passing, different, skipped, classes: Object.fromEntries(this.classes()) };
  }

  /** Those that there are, the gravest first. */
  classes(): readonly (readonly [DifferenceClass, ClassOfDifferences])[] {
    return DIFFERENCE_CLASSES.flatMap((is) => {
      const found = this.#classes.get(is);
      return found === undefined ? [] : [[is, found] as const];
    });
  }
}

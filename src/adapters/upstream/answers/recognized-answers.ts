import type { CustomerState } from "../../../domain/customer-state.js";
import { MAX_SLOTS, type QuotedIds, type SlotValues } from "../../../wire/templates/json-template.js";
import { LearningCredit } from "../../../wire/templates/learning-credit.js";
import { TemplateTree } from "../../../wire/templates/template-tree.js";
import { AnswerShape } from "./answer-shape.js";
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

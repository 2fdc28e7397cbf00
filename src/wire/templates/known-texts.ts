import type { Subject } from "../../domain/subject.js";
import type { QuotedIds, SlotValues } from "./json-template.js";
import { type Decoded, LearningCredit, type Learnt, learnTemplate } from "./learn-template.js";

const MAX_TEMPLATES = 16;

/** Short texts of one kind by their templates, the one that was met last first. */
export class KnownTexts<T extends object> {
  readonly #decode: (text: string) => Decoded<T> | undefined;
  readonly #credit = new LearningCredit();
  readonly #templates: Learnt<T>[] = [];

  /** @param decode of what the templates are to spare; see learnTemplate */
  constructor(decode: (text: string) => Decoded<T> | undefined) {
    this.#decode = decode;
  }

  /** What a text says; its numbers are in the slots from `base` on. @returns undefined where its template is not known */
  match(text: string, ids: QuotedIds, values: SlotValues, base: number): Learnt<T> | undefined {
    const templates = this.#templates;
    for (let index = 0; index < templates.length; index++) {
      const known = templates[index] as Learnt<T>;
      if (!known.template.match(text, 0, ids, values, base) || values.end !== text.length) continue;
      if (index > 0) {
        templates[index] = templates[index - 1] as Learnt<T>;
        templates[index - 1] = known;
      }
      this.#credit.earn();
      return known;
    }
    return undefined;
  }

  /** For a text that was not recognized, and is this subject's. */
  learn(text: string, subject: Subject): void {
    if (!this.#credit.spend()) return;
    const learnt = learnTemplate(text, subject, this.#decode);
    if (learnt === undefined) return;
    if (this.#templates.length >= MAX_TEMPLATES) this.#templates.pop();
    this.#templates.push(learnt);
  }
}

import type { Subject } from "../../domain/subject.js";
import { MAX_SLOTS, type QuotedIds, quotedIds, type SlotValues } from "./json-template.js";
import { type Decoded, type Learnt, learnTemplate } from "./learn-template.js";

const MAX_NODES = 8_000;
const MAX_CHILDREN = 48;

export interface Part<T extends object> {
  readonly text: string;
  readonly decode: (text: string) => Decoded<T> | undefined;
}

/** One part of texts that have all the parts before it in common. */
export interface PartNode<T extends object, S> {
  readonly learnt: Learnt<T> | undefined;
  readonly parent: PartNode<T, S> | undefined;
  /** Its first slot. */
  readonly base: number;
  readonly children: PartNode<T, S>[];
  /** Of a last part: what the whole text is. */
  shape: S | undefined;
}

/** Texts of many parts, such as a state of entitlements, recognized part by part. Bounded: of too many, all are forgotten. */
export class TemplateTree<T extends object, S> {
  #root = newNode<T, S>(undefined, undefined, 0);
  #count = 0;
  readonly #onForgotten: () => void;

  /** @param onForgotten called where all shapes are dropped */
  constructor(onForgotten: () => void) {
    this.#onForgotten = onForgotten;
  }

  /** @returns the shape of the whole text, whose numbers are in the slots then; undefined where it is not known */
  match(text: string, ids: QuotedIds, values: SlotValues): S | undefined {
    let node = this.#root;
    let at = 0;
    while (at < text.length) {
      const next = matchingChild(node, text, at, ids, values);
      if (next === undefined) return undefined;
      node = next;
      at = values.end;
    }
    return node.shape;
  }

  /**
   * @param parts in order, together the whole text, which is this subject's
   * @param shapeOf what the whole is, from its parts; undefined where it is not to be recognized
   */
  learn(
    parts: readonly Part<T>[],
    subject: Subject,
    shapeOf: (nodes: readonly PartNode<T, S>[]) => S | undefined,
  ): void {
    if (this.#count + parts.length > MAX_NODES) this.#forgetAll();
    const ids = quotedIds(subject);
    const values = { numbers: new Float64Array(MAX_SLOTS), end: 0 };
    const path: PartNode<T, S>[] = [];
    let node = this.#root;
    for (const { text, decode } of parts) {
      const known = matchingChild(node, text, 0, ids, values);
      const next =
        known !== undefined && values.end === text.length
          ? known
          : this.#add(node, learnTemplate(text, subject, decode));
      if (next === undefined) return;
      path.push(next);
      node = next;
    }
    node.shape ??= shapeOf(path);
  }

  #add(parent: PartNode<T, S>, learnt: Learnt<T> | undefined): PartNode<T, S> | undefined {
    if (learnt === undefined || parent.children.length >= MAX_CHILDREN) return undefined;
    const base = parent.base + (parent.learnt?.template.kinds.length ?? 0);
    if (base + learnt.template.kinds.length > MAX_SLOTS) return undefined;
    const node = newNode(learnt, parent, base);
    parent.children.push(node);
    this.#count++;
    return node;
  }

  #forgetAll(): void {
    this.#root = newNode<T, S>(undefined, undefined, 0);
    this.#count = 0;
    this.#onForgotten();
  }
}

function newNode<T extends object, S>(
  learnt: Learnt<T> | undefined,
  parent: PartNode<T, S> | undefined,
  base: number,
): PartNode<T, S> {
  return { learnt, parent, base, children: [], shape: undefined };
}

/** The one that was met last comes first, nearly. */
function matchingChild<T extends object, S>(
  { children }: PartNode<T, S>,
  text: string,
  at: number,
  ids: QuotedIds,
  values: SlotValues,
): PartNode<T, S> | undefined {
  for (let index = 0; index < children.length; index++) {
    const child = children[index] as PartNode<T, S>;
    if (child.learnt?.template.match(text, at, ids, values, child.base) !== true) continue;
    if (index > 0) {
      children[index] = children[index - 1] as PartNode<T, S>;
      children[index - 1] = child;
    }
    return child;
  }
  return undefined;
}

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

const MOST = 1_000;
const COST = 10;
const RETRY_SHARE = 1_000;

/** Bounds what is spent on learning where texts turn out to have too little in common. */
export class LearningCredit {
  #left = MOST;
  #refused = 0;

  /** A text was recognized. */
  earn(): void {
    if (this.#left < MOST) this.#left++;
  }

  /** Whether one more text may be learnt. */
  spend(): boolean {
    if (this.#left < COST) {
      if (++this.#refused < RETRY_SHARE) return false;
      this.#refused = 0;
      return true;
    }
    this.#left -= COST;
    return true;
  }
}

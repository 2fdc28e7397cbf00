import {
  type DescMethodUnary,
  type JsonObject,
  type JsonValue,
  type Message,
  toJson,
  toJsonString,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import {
  type AnswerDifference,
  type AnswerItem,
  compareAnswers,
  type FieldValue,
  type ObservedAnswer,
} from "../../../domain/comparison/compare-answers.js";
import type { ComparisonReport } from "../../../domain/comparison/comparison-report.js";
import { lastingDifferences } from "../../../domain/comparison/lasting-differences.js";
import type { Clock } from "../../../ports/clock.js";
import { JSON_OPTIONS } from "../answers/answer-encoders.js";
import type { RelayedCall } from "./relay-handler.js";

/** Questions that are with the other service at a time. */
const MAX_ASKED = 64;
/** Calls that wait to be asked; more are not compared. */
const MAX_WAITING = 50_000;
const DEFAULT_MAX_SETTLING = 10_000;
/** Of those how many are taken before the list is shortened. */
const TAKEN_AT_ONCE = 10_000;

interface MirrorOptions {
  readonly incumbent: Transport;
  readonly candidate: Transport;
  /** Whose answers the callers get. */
  readonly answerFrom: "incumbent" | "candidate";
  /** How long after a difference both are asked again, milliseconds. */
  readonly settleMs: number;
  /** How long an answer may take, milliseconds. */
  readonly timeoutMs: number;
  /** Calls whose answers differ and that wait until they are asked again, 10,000 by default; more are not compared. */
  readonly maxSettling?: number;
  readonly clock: Clock;
  readonly report: ComparisonReport;
}

interface Waiting {
  readonly call: RelayedCall;
  /** What was different before; undefined: the answers were not compared yet. */
  readonly first: readonly AnswerDifference[] | undefined;
}

/** Asks the other service what its callers asked of the one, off their path, and compares what both say. */
export class MirrorCalls {
  readonly #options: MirrorOptions;
  /** In their order, from `#first` on: to take the first out of a long list moves all of it. */
  #waiting: Waiting[] = [];
  #first = 0;
  #asked = 0;
  #settling = 0;
  #whenIdle: (() => void)[] = [];
  #isOver = false;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  readonly mirror = (call: RelayedCall): void => this.#enqueue({ call, first: undefined });

  /**
   * Settles once nothing waits, is asked, or is to be asked again. What still waits after some time, milliseconds, is not compared:
   * a service that hangs would hold up the report for as long as it likes.
   */
  async finish(graceMs: number): Promise<void> {
    const cancel = this.#options.clock.after(graceMs, () => {
      this.#isOver = true;
      this.#options.report.skipped += this.#waitingCount;
      this.#waiting = [];
      this.#first = 0;
    });
    while (this.#waitingCount + this.#asked + this.#settling > 0)
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    cancel();
  }

  #enqueue(waiting: Waiting): void {
    if (this.#isOver || this.#waitingCount >= MAX_WAITING) {
      this.#options.report.skipped++;
      return;
    }
    this.#waiting.push(waiting);
    if (this.#asked < MAX_ASKED) void this.#work();
  }

  async #work(): Promise<void> {
    this.#asked++;
    for (let next = this.#takeFirst(); next !== undefined; next = this.#takeFirst())
      await (next.first === undefined ? this.#compare(next.call) : this.#compareAgain(next.call, next.first));
    this.#asked--;
    this.#tellIdle();
  }

  get #waitingCount(): number {
    return this.#waiting.length - this.#first;
  }

  #takeFirst(): Waiting | undefined {
    const next = this.#waiting[this.#first];
    if (next === undefined) return undefined;
    this.#first++;
    if (this.#first < this.#waiting.length && this.#first < TAKEN_AT_ONCE) return next;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
    return next;
  }

  async #compare(call: RelayedCall): Promise<void> {
    const { report, answerFrom, incumbent, candidate } = this.#options;
    const other = await this.#ask(answerFrom === "incumbent" ? candidate : incumbent, call);
    const given =
      typeof call.outcome === "number" ? observeFailure(call.outcome) : observeAnswer(call.method, call.outcome);
    const differences = answerFrom === "incumbent" ? compareAnswers(given, other) : compareAnswers(other, given);
    if (differences.length === 0) report.addSame();
    else this.#settle(call, differences);
  }

  /** Has both be asked once more, in their turn: where all answers differ, each service is asked no more at a time than else. */
  #settle(call: RelayedCall, first: readonly AnswerDifference[]): void {
    const { report, clock, settleMs, maxSettling = DEFAULT_MAX_SETTLING } = this.#options;
    if (this.#settling >= maxSettling) {
      report.skipped++;
      return;
    }
    this.#settling++;
    clock.after(settleMs, () => {
      this.#settling--;
      this.#enqueue({ call, first });
      this.#tellIdle();
    });
  }

  async #compareAgain(call: RelayedCall, first: readonly AnswerDifference[]): Promise<void> {
    const { report, incumbent, candidate } = this.#options;
    const again = compareAnswers(...(await Promise.all([this.#ask(incumbent, call), this.#ask(candidate, call)])));
    const lasting = lastingDifferences(first, again);
    if (lasting.length === 0) report.addPassing();
    else report.addDifferent(questionOf(call), lasting);
  }

  async #ask(transport: Transport, { method, request, headers }: RelayedCall): Promise<ObservedAnswer> {
    try {
      const { message } = await transport.unary(method, undefined, this.#options.timeoutMs, headers, request);
      return observeAnswer(method, message);
    } catch (error) {
      return observeFailure(ConnectError.from(error).code);
    }
  }

  #tellIdle(): void {
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}

function questionOf({ method, request }: RelayedCall): { readonly method: string; readonly request: string } {
  return { method: method.name, request: toJsonString(method.input, request) };
}

/** The members of an answer whose name says of which kind its entitlement is. */
const KINDS: ReadonlySet<string> = new Set(["boolean", "numeric", "metered", "enum", "credit"]);
const NO_ITEMS: ReadonlyMap<string, AnswerItem> = new Map();

/** An answer of any method that reads, as it is compared: a list by the ids of what it lists, in whatever order. */
export function observeAnswer(method: DescMethodUnary, message: Message): ObservedAnswer {
  const answer = toJson(method.output, message, JSON_OPTIONS) as JsonObject;
  const { entitlements, ...rest } = answer;
  if (!Array.isArray(entitlements)) return { failure: undefined, items: new Map([["", itemOf(answer)]]) };
  const items = new Map<string, AnswerItem>();
  const own = itemOf(rest);
  if (own.size > 0) items.set("", own);
  for (const [index, entitlement] of entitlements.entries()) {
    const item = itemOf(entitlement as JsonObject);
    items.set(String(item.get("feature.id") ?? item.get("currency.currencyId") ?? `#${index}`), item);
  }
  return { failure: undefined, items };
}

export function observeFailure(code: Code): ObservedAnswer {
  return { failure: Code[code], items: NO_ITEMS };
}

function itemOf(json: JsonObject): AnswerItem {
  const fields = new Map<string, FieldValue>();
  collect(json, "", fields);
  return fields;
}

function collect(json: JsonObject, prefix: string, fields: Map<string, FieldValue>): void {
  for (const [name, value] of Object.entries(json)) {
    if (value === null) continue;
    if (Array.isArray(value)) fields.set(prefix + name, asSet(value));
    else if (typeof value !== "object") fields.set(prefix + name, value);
    else if (prefix === "" && KINDS.has(name)) {
      fields.set("kind", name);
      collect(value, "", fields);
    } else if (prefix === "" && name === "entitlement") collect(value, "", fields);
    else collect(value, `${prefix}${name}.`, fields);
  }
}

/** Which values are allowed is a set: the order says nothing. */
function asSet(values: readonly JsonValue[]): string {
  return values
    .map((value) => JSON.stringify(value))
    .sort()
    .join(" ");
}

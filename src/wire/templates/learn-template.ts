import type { Subject } from "../../domain/subject.js";
import { CUSTOMER_ID, JsonTemplate, TIMESTAMP, NUMBER, RESOURCE_ID, type SlotKind } from "./json-template.js";

/** A string, or a number, of a JSON text. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const PLAIN_NUMBER = /^\d+(?:\.\d+)?$/;
const ISO_TIMESTAMP = /^"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z"$/;
const MAX_NUMBER_LENGTH = 15;

/** Stand-ins are this and steps above it: all of them valid timestamps, and as such in the form of the timestamps that they stand for. */
const FIRST_STAND_IN = 1_234_567_890_123;
const STEP = 1_000_003;

interface Slot {
  readonly kind: SlotKind;
  readonly start: number;
  readonly end: number;
}

/** What was made of a text: what differs from one subject to the next as numbers, and all the rest. */
export interface Decoded<T> {
  readonly fields: Readonly<Record<string, number | undefined>>;
  readonly rest: T;
}

/** Where a field of what a template's text says comes from: a slot, or (at -1) it is always the same. */
export interface FieldSource {
  readonly slot: number;
  readonly constant: number | undefined;
}

export interface Learnt<T> {
  readonly template: JsonTemplate;
  readonly sources: Readonly<Record<string, FieldSource>>;
  readonly rest: T;
}

/**
 * Learns the template of a text, and what its slots mean, by decoding it once more with stand-ins in the slots: where a
 * stand-in comes out is what the slot is for. Where one comes out in the rest, its slot is none: the template is of texts
 * with that very value.
 *
 * @param decode the decoder whose place the template is to take; throws, or answers undefined, where there is nothing to learn
 * @returns undefined where the text cannot be learnt
 */
export function learnTemplate<T extends object>(
  text: string,
  subject: Subject,
  decode: (text: string) => Decoded<T> | undefined,
): Learnt<T> | undefined {
  let slots = slotsOf(text, subject);
  const real = decode(text);
  if (real === undefined) return undefined;
  for (;;) {
    const decoded = decode(withStandIns(text, slots));
    if (decoded === undefined) return undefined;
    const rest = JSON.stringify(decoded.rest);
    const kept = slots.filter(
      (_, index) => !rest.includes(String(standIn(index))) && !rest.includes(isoOf(standIn(index))),
    );
    if (kept.length < slots.length) {
      slots = kept;
      continue;
    }
    if (rest !== JSON.stringify(real.rest)) return undefined;
    return { template: templateOf(text, slots), sources: sourcesOf(decoded.fields), rest: real.rest };
  }
}

/** The value of a field in a text that was matched. */
export function valueOf({ slot, constant }: FieldSource, numbers: Float64Array, base: number): number | undefined {
  return slot < 0 ? constant : numbers[base + slot];
}

function standIn(index: number): number {
  return FIRST_STAND_IN + index * STEP;
}

function isoOf(timestamp: number): string {
  return new Date(timestamp).toISOString();
}

function slotsOf(text: string, { customerId, resourceId }: Subject): readonly Slot[] {
  const customer = JSON.stringify(customerId);
  const resource = JSON.stringify(resourceId);
  const slots: Slot[] = [];
  let before = "";
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match;
    const kind = kindOf(token, before, customer, resource);
    if (kind !== undefined) slots.push({ kind, start: match.index, end: match.index + token.length });
    before = token;
  }
  return slots;
}

function kindOf(token: string, before: string, customer: string, resource: string | undefined): SlotKind | undefined {
  if (PLAIN_NUMBER.test(token)) return token.length <= MAX_NUMBER_LENGTH ? NUMBER : undefined;
  if (ISO_TIMESTAMP.test(token)) return TIMESTAMP;
  if (before === '"customerId"' && token === customer) return CUSTOMER_ID;
  return before === '"resourceId"' && token === resource ? RESOURCE_ID : undefined;
}

function withStandIns(text: string, slots: readonly Slot[]): string {
  let changed = "";
  let at = 0;
  for (const [index, { kind, start, end }] of slots.entries()) {
    changed += text.slice(at, start);
    if (kind === NUMBER) changed += String(standIn(index));
    else changed += kind === TIMESTAMP ? `"${isoOf(standIn(index))}"` : text.slice(start, end);
    at = end;
  }
  return changed + text.slice(at);
}

function templateOf(text: string, slots: readonly Slot[]): JsonTemplate {
  const segments: string[] = [];
  let at = 0;
  for (const { start, end } of slots) {
    segments.push(copyOf(text.slice(at, start)));
    at = end;
  }
  segments.push(copyOf(text.slice(at)));
  return new JsonTemplate(
    segments,
    slots.map(({ kind }) => kind),
  );
}

/** A part of a text keeps the whole of it in memory. */
function copyOf(part: string): string {
  return JSON.parse(JSON.stringify(part)) as string;
}

function sourcesOf(fields: Readonly<Record<string, number | undefined>>): Readonly<Record<string, FieldSource>> {
  const sources: Record<string, FieldSource> = {};
  for (const [name, value] of Object.entries(fields)) {
    const slot = value === undefined ? -1 : (value - FIRST_STAND_IN) / STEP;
    sources[name] =
      Number.isInteger(slot) && slot >= 0 && slot < 10_000
        ? { slot, constant: undefined }
        : { slot: -1, constant: value };
  }
  return sources;
}

import type { Subject } from "../../domain/subject.js";
import {
  CUSTOMER_ID,
  type FieldSource,
  JsonTemplate,
  MAX_SLOTS,
  NUMBER,
  type QuotedIds,
  quotedIds,
  RESOURCE_ID,
  type SlotKind,
  TIMESTAMP,
  valueOf,
} from "./json-template.js";

/** A string, or a number, of a JSON text. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const PLAIN_NUMBER = /^\d+(?:\.\d+)?$/;
const ISO_TIMESTAMP = /^"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z"$/;
const NAME_END = /^\s*:\s*$/;
const MAX_NUMBER_LENGTH = 15;

/** Stand-ins are this and steps above it: all of them valid timestamps, and as such in the form of the timestamps that they stand for. */
const FIRST_STAND_IN = 1_234_567_890_123;
const STEP = 1_000_003;

interface Slot {
  readonly kind: SlotKind;
  readonly start: number;
  readonly end: number;
}

/** Whose a text says that it is, as far as that decides whether it is believed. */
export interface Owner {
  readonly customerId?: string | undefined;
  readonly resourceId?: string | undefined;
}

/** What was made of a text: what differs from one subject to the next as numbers, and all the rest. */
export interface Decoded<T> {
  /** Undefined: it does not say. */
  readonly owner: Owner | undefined;
  readonly fields: Readonly<Record<string, number | undefined>>;
  readonly rest: T;
}

export interface Learnt<T> {
  readonly template: JsonTemplate;
  readonly sources: Readonly<Record<string, FieldSource>>;
  readonly rest: T;
}

/**
 * Learns the template of a text, and what its slots mean, by decoding it once more with stand-ins in the slots: where a
 * stand-in comes out is what the slot is for. Where one comes out in the rest, its slot is none: the template is of texts
 * with that very value. What says whose the text is has to be in a slot, so that no other subject's text matches.
 *
 * @param decode the decoder whose place the template is to take; throws, or answers undefined, where there is nothing to learn
 * @returns undefined where the text cannot be learnt
 */
export function learnTemplate<T extends object>(
  text: string,
  subject: Subject,
  decode: (text: string) => Decoded<T> | undefined,
): Learnt<T> | undefined {
  const ids = quotedIds(subject);
  let slots = slotsOf(text, ids);
  const real = decode(text);
  if (real === undefined || slots.length > MAX_SLOTS || slots.some((_, index) => hasStandIn(text, index)))
    return undefined;
  for (;;) {
    const decoded = decode(withStandIns(text, slots));
    if (decoded === undefined) return undefined;
    const rest = JSON.stringify(decoded.rest);
    const kept = slots.filter((_, index) => !hasStandIn(rest, index));
    if (kept.length < slots.length) {
      slots = kept;
      continue;
    }
    if (rest !== JSON.stringify(real.rest) || !hasOwnerInSlots(decoded.owner, real.owner, subject, slots))
      return undefined;
    const template = templateOf(text, slots);
    const sources = sourcesOf(decoded.fields);
    return saysTheSame(template, text, ids, sources, real.fields) ? { template, sources, rest: real.rest } : undefined;
  }
}

function standIn(index: number): number {
  return FIRST_STAND_IN + index * STEP;
}

function isoOf(timestamp: number): string {
  return new Date(timestamp).toISOString();
}

function hasStandIn(text: string, index: number): boolean {
  return text.includes(String(standIn(index))) || text.includes(isoOf(standIn(index)));
}

function slotsOf(text: string, ids: QuotedIds): readonly Slot[] {
  const slots: Slot[] = [];
  let before = "";
  let endBefore = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match;
    const end = match.index + token.length;
    const name = NAME_END.test(text.slice(endBefore, match.index)) ? before : undefined;
    const kind = kindOf(token, name, ids);
    if (kind !== undefined) slots.push({ kind, start: match.index, end });
    before = token;
    endBefore = end;
  }
  return slots;
}

/** @param name of the member whose value the token is; undefined where it is none's */
function kindOf(token: string, name: string | undefined, { customerId, resourceId }: QuotedIds): SlotKind | undefined {
  if (PLAIN_NUMBER.test(token)) return token.length <= MAX_NUMBER_LENGTH ? NUMBER : undefined;
  if (ISO_TIMESTAMP.test(token)) return TIMESTAMP;
  if (name === '"customerId"' && token === customerId) return CUSTOMER_ID;
  return name === '"resourceId"' && token === resourceId ? RESOURCE_ID : undefined;
}

function withStandIns(text: string, slots: readonly Slot[]): string {
  let changed = "";
  let at = 0;
  for (const [index, { kind, start, end }] of slots.entries()) {
    changed += text.slice(at, start);
    if (kind === NUMBER) changed += String(standIn(index));
    else changed += kind === TIMESTAMP ? `"${isoOf(standIn(index))}"` : `"${String(standIn(index))}"`;
    at = end;
  }
  return changed + text.slice(at);
}

/** Whether each id that is the subject's comes from a slot: spelled in another way it would stand in every text of the template. */
function hasOwnerInSlots(
  decoded: Owner | undefined,
  real: Owner | undefined,
  subject: Subject,
  slots: readonly Slot[],
): boolean {
  const isInSlot = (id: string | undefined, kind: SlotKind) =>
    slots.some((slot, index) => slot.kind === kind && id === String(standIn(index)));
  const isRight = (name: keyof Owner, kind: SlotKind) =>
    real?.[name] === undefined || real[name] !== subject[name]
      ? decoded?.[name] === real?.[name]
      : isInSlot(decoded?.[name], kind);
  return isRight("customerId", CUSTOMER_ID) && isRight("resourceId", RESOURCE_ID);
}

/** Whether the template makes of the text that it was learnt from what the decoder made of it. */
function saysTheSame(
  template: JsonTemplate,
  text: string,
  ids: QuotedIds,
  sources: Readonly<Record<string, FieldSource>>,
  fields: Readonly<Record<string, number | undefined>>,
): boolean {
  const values = { numbers: new Float64Array(template.kinds.length), end: 0 };
  return (
    template.match(text, 0, ids, values, 0) &&
    Object.entries(sources).every(([name, source]) => valueOf(source, values.numbers, 0) === fields[name])
  );
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
      Number.isInteger(slot) && slot >= 0 && slot < MAX_SLOTS
        ? { slot, constant: undefined }
        : { slot: -1, constant: value };
  }
  return sources;
}

import {
  buildCustomerState,
  type CreditEntitlementInput,
  type FeatureEntitlementInput,
} from "../../../domain/build-customer-state.js";
import type { CustomerState } from "../../../domain/customer-state.js";
import { parseAccessDeniedReason } from "../../../domain/decision/access-denied-reason.js";
import type { EntitlementReference } from "../../../domain/entitlement.js";
import { CodedError } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import type { EntitlementSet } from "../memory/entitlement-schema.js";
import type { MemoryState } from "../memory/memory-state.js";
import type { OwnNumbers } from "../memory/own-numbers.js";

/**
 * A run of states: 4 bytes with the length of a JSON list of the sets that they share, that list, and for each subject
 *
 * - what it has of the following (1 byte of flags)
 * - its customer's id, and its resource's: 4 bytes of length in bytes, then Latin-1 or UTF-16
 * - its set's place in the list (4), verifiedAt and recheckAt (8 each, doubles), its own numbers (4 of length, then UTF-16)
 */
const HAS_RESOURCE = 1;
const IS_GONE = 2;
const IS_WIDE = 4;
const FIRST_BYTES = 65_536;

/** Undefined: not cached any more. */
export type StateToWrite = readonly [subject: Subject, held: MemoryState | undefined];

/** Numbers sets in the order in which they were first met, so that many runs list the same ones in the same way, and are read as such: see CachedStates. */
export class SetOrder {
  readonly #places = new WeakMap<EntitlementSet, number>();
  #count = 0;

  sorted(sets: Iterable<EntitlementSet>): readonly EntitlementSet[] {
    return [...sets].sort((one, other) => this.#placeOf(one) - this.#placeOf(other));
  }

  #placeOf(set: EntitlementSet): number {
    let place = this.#places.get(set);
    if (place === undefined) this.#places.set(set, (place = this.#count++));
    return place;
  }
}

export function writeStates(states: readonly StateToWrite[], order = new SetOrder()): Buffer {
  const found = new Set<EntitlementSet>();
  for (const [, held] of states) if (held !== undefined) found.add(held.set);
  const sets = new Map(order.sorted(found).map((set, place) => [set, place]));
  const writer = new Writer();
  for (const [{ customerId, resourceId }, held] of states) {
    const isWide = !isLatin1(customerId) || (resourceId !== undefined && !isLatin1(resourceId));
    writer.byte(
      (resourceId === undefined ? 0 : HAS_RESOURCE) | (held === undefined ? IS_GONE : 0) | (isWide ? IS_WIDE : 0),
    );
    writer.text(customerId, isWide);
    if (resourceId !== undefined) writer.text(resourceId, isWide);
    if (held === undefined) continue;
    writer.count(sets.get(held.set) as number);
    writer.double(held.verifiedAt);
    writer.double(held.recheckAt);
    writer.text(held.own, true);
  }
  const list = Buffer.from(JSON.stringify([...sets.keys()].map(recordOf)), "utf8");
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(list.length);
  return Buffer.concat([length, list, writer.written]);
}

export interface ReadStateRecord {
  readonly subject: Subject;
  /** Undefined: it is not cached any more. */
  readonly state:
    | { readonly set: number; readonly own: OwnNumbers; readonly verifiedAt: number; readonly recheckAt: number }
    | undefined;
}

/** @returns also the JSON of the list of sets, as it is written. @throws CodedError `invalid-argument` */
export function readStates(bytes: Buffer): { readonly list: Buffer; readonly states: readonly ReadStateRecord[] } {
  try {
    const reader = new Reader(bytes);
    const list = reader.bytes(reader.count());
    const states: ReadStateRecord[] = [];
    while (!reader.isAtEnd) states.push(readState(reader));
    return { list, states };
  } catch (cause) {
    throw new CodedError("invalid-argument", "these are no states", { cause });
  }
}

function readState(reader: Reader): ReadStateRecord {
  const flags = reader.byte();
  const isWide = (flags & IS_WIDE) !== 0;
  const customerId = reader.text(isWide);
  const resourceId = (flags & HAS_RESOURCE) === 0 ? undefined : reader.text(isWide);
  const subject = { customerId, resourceId };
  if ((flags & IS_GONE) !== 0) return { subject, state: undefined };
  return {
    subject,
    state: { set: reader.count(), verifiedAt: reader.double(), recheckAt: reader.double(), own: reader.text(true) },
  };
}

function isLatin1(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0xff) return false;
  return true;
}

class Writer {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    this.#room(1);
    this.#length = this.#bytes.writeUInt8(value, this.#length);
  }

  count(value: number): void {
    this.#room(4);
    this.#length = this.#bytes.writeUInt32LE(value, this.#length);
  }

  double(value: number): void {
    this.#room(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  text(text: string, isWide: boolean): void {
    const bytes = isWide ? text.length * 2 : text.length;
    this.count(bytes);
    this.#room(bytes);
    this.#length += this.#bytes.write(text, this.#length, bytes, isWide ? "utf16le" : "latin1");
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + bytes));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#step(1));
  }

  count(): number {
    return this.#bytes.readUInt32LE(this.#step(4));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#step(8));
  }

  bytes(bytes: number): Buffer {
    const at = this.#step(bytes);
    return this.#bytes.subarray(at, at + bytes);
  }

  text(isWide: boolean): string {
    const bytes = this.count();
    const at = this.#step(bytes);
    return this.#bytes.toString(isWide ? "utf16le" : "latin1", at, at + bytes);
  }

  #step(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#bytes.length) throw new RangeError("it ends too early");
    this.#at += bytes;
    return at;
  }
}

/** What customers of one plan share, as JSON. */
interface SetRecord {
  readonly reason: string | null;
  readonly includesWallets: boolean;
  readonly unknown: readonly EntitlementReference[];
  readonly features: readonly (FeatureEntitlementInput & { readonly isCounted: boolean })[];
  readonly credits: readonly CreditEntitlementInput[];
}

function recordOf(set: EntitlementSet): SetRecord {
  const { schema } = set;
  return {
    reason: schema.accessDeniedReason ?? null,
    includesWallets: schema.includesWallets,
    unknown: schema.unknown,
    features: schema.features.map((terms, place) => ({
      ...set.feature(place),
      feature: terms.entitlement.feature,
      isCounted: terms.isCounted,
    })),
    credits: schema.credits.map((terms, place) => terms.with(set.creditLimit(place), undefined)),
  };
}

/** A state that shares that set: of what it has a place for, something was used. */
export function stateOfRecord({ reason, includesWallets, unknown, features, credits }: SetRecord): CustomerState {
  return buildCustomerState({
    accessDeniedReason: parseAccessDeniedReason(reason),
    includesWallets,
    unknown,
    features: features.map(({ isCounted, ...feature }) => ({ ...feature, usage: isCounted ? SOME_USAGE : undefined })),
    credits,
  });
}

const SOME_USAGE = { currentUsage: 1 };

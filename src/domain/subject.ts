/**
 * Who is asked about: a customer, or one resource of a customer. Ids are the caller's and may be any
 * non-empty string, so two subjects are compared field by field and never by a joined key.
 */
export interface Subject {
  readonly customerId: string;
  readonly resourceId?: string | undefined;
}

export function sameSubject(a: Subject, b: Subject): boolean {
  return a.customerId === b.customerId && a.resourceId === b.resourceId;
}

/** The longest id that is taken unless configured otherwise, bytes of UTF-8: longer ones are refused by whoever puts them into a path. */
export const MAX_ID_BYTES = 4_096;

/** Whether UTF-8 can encode it: half of a character (a lone surrogate) becomes the same sign for whoever has to. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** Whether an id takes more than so many bytes of UTF-8. Counts only where its length leaves it open. */
export function isIdTooLong(id: string, maxBytes = MAX_ID_BYTES): boolean {
  if (id.length > maxBytes) return true;
  if (id.length * 3 <= maxBytes) return false;
  let bytes = 0;
  for (let at = 0; at < id.length; at++) {
    const unit = id.charCodeAt(at);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && isTrail(id.charCodeAt(at + 1))) {
      bytes += 4;
      at++;
    } else bytes += 3;
  }
  return bytes > maxBytes;
}

function isTrail(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

interface CustomerSlot<V> {
  own: V | undefined;
  resources: Map<string, V> | undefined;
}

/** A map keyed by subjects as they are, so that no two subjects can ever meet in one joined key. */
export class SubjectMap<V> {
  readonly #slots = new Map<string, CustomerSlot<V>>();

  get({ customerId, resourceId }: Subject): V | undefined {
    const slot = this.#slots.get(customerId);
    return resourceId === undefined ? slot?.own : slot?.resources?.get(resourceId);
  }

  set({ customerId, resourceId }: Subject, value: V): void {
    let slot = this.#slots.get(customerId);
    if (slot === undefined) this.#slots.set(customerId, (slot = { own: undefined, resources: undefined }));
    if (resourceId === undefined) slot.own = value;
    else (slot.resources ??= new Map()).set(resourceId, value);
  }

  delete({ customerId, resourceId }: Subject): void {
    const slot = this.#slots.get(customerId);
    if (slot === undefined) return;
    if (resourceId === undefined) slot.own = undefined;
    else slot.resources?.delete(resourceId);
    if (slot.own === undefined && (slot.resources?.size ?? 0) === 0) this.#slots.delete(customerId);
  }

  /** The values of a customer and of all its resources. */
  *ofCustomer(customerId: string): Iterable<V> {
    const slot = this.#slots.get(customerId);
    if (slot === undefined) return;
    if (slot.own !== undefined) yield slot.own;
    if (slot.resources !== undefined) yield* slot.resources.values();
  }

  *values(): Iterable<V> {
    for (const customerId of this.#slots.keys()) yield* this.ofCustomer(customerId);
  }

  *entries(): Iterable<readonly [Subject, V]> {
    for (const [customerId, { own, resources }] of this.#slots) {
      if (own !== undefined) yield [{ customerId }, own];
      for (const [resourceId, value] of resources ?? []) yield [{ customerId, resourceId }, value];
    }
  }
}

interface Entry<V> {
  readonly subject: Subject;
  readonly value: V;
}

/**
 * Values by subject, in the order in which they were set, of a bounded number. What becomes of one too many is for its
 * holder to say: `hasRoomFor` before it is set, `clear` to begin anew, or `takeOldest` after it was.
 */
export class BoundedSubjects<V> {
  readonly #maxCount: number;
  #bySubject = new SubjectMap<Entry<V>>();
  readonly #oldestFirst = new Set<Entry<V>>();
  /** Stands behind what was taken out: a new one would have to pass by all that is gone. */
  #oldest = this.#oldestFirst.values();

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  get size(): number {
    return this.#oldestFirst.size;
  }

  /** Whether more are held than may be. */
  get isOverfull(): boolean {
    return this.size > this.#maxCount;
  }

  hasRoomFor(subject: Subject): boolean {
    return this.size < this.#maxCount || this.has(subject);
  }

  has(subject: Subject): boolean {
    return this.#bySubject.get(subject) !== undefined;
  }

  get(subject: Subject): V | undefined {
    return this.#bySubject.get(subject)?.value;
  }

  /** The last to be the oldest from now on, whether it was held before or not. */
  set(subject: Subject, value: V): void {
    this.delete(subject);
    const entry = { subject, value };
    this.#bySubject.set(subject, entry);
    this.#oldestFirst.add(entry);
  }

  delete(subject: Subject): void {
    const entry = this.#bySubject.get(subject);
    if (entry === undefined) return;
    this.#bySubject.delete(subject);
    this.#oldestFirst.delete(entry);
  }

  clear(): void {
    this.#bySubject = new SubjectMap();
    this.#oldestFirst.clear();
    this.#oldest = this.#oldestFirst.values();
  }

  /** Takes out what was set longest ago. */
  takeOldest(): Entry<V> | undefined {
    let next = this.#oldest.next();
    if (next.done === true) next = (this.#oldest = this.#oldestFirst.values()).next();
    if (next.done === true) return undefined;
    this.delete(next.value.subject);
    return next.value;
  }

  /** The one that was set longest ago first. */
  *values(): Iterable<V> {
    for (const { value } of this.#oldestFirst) yield value;
  }
}

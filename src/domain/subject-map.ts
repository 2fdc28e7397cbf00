import type { Subject } from "./subject.js";

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

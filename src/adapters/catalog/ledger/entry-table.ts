import type { Subject } from "../../../domain/subject.js";

/** Values by subject and by the id of a feature or currency, each compared as it is and never joined into one key. */
export class EntryTable<V> {
  readonly #customers = new Map<string, Map<string | undefined, Map<string, V>>>();

  get({ customerId, resourceId }: Subject, id: string): V | undefined {
    return this.#customers.get(customerId)?.get(resourceId)?.get(id);
  }

  set({ customerId, resourceId }: Subject, id: string, value: V): void {
    let subjects = this.#customers.get(customerId);
    if (subjects === undefined)
      this.#customers.set(customerId, (subjects = new Map<string | undefined, Map<string, V>>()));
    let values = subjects.get(resourceId);
    if (values === undefined) subjects.set(resourceId, (values = new Map<string, V>()));
    values.set(id, value);
  }

  *entries(): Iterable<readonly [subject: Subject, id: string, value: V]> {
    for (const [customerId, subjects] of this.#customers) {
      for (const [resourceId, values] of subjects) {
        for (const [id, value] of values) yield [{ customerId, resourceId }, id, value];
      }
    }
  }
}

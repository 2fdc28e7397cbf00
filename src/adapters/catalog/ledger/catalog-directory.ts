import type { EntitlementReference } from "../../../domain/entitlement.js";
import type { Subject } from "../../../domain/subject.js";
import type { Directory, EntitlementOrigin } from "../../../ports/directory.js";
import type { CatalogEngine } from "../engine/catalog-engine.js";

/** Everything that the catalog which is served now knows. */
export class CatalogDirectory implements Directory {
  readonly #engine: CatalogEngine;

  constructor(engine: CatalogEngine) {
    this.#engine = engine;
  }

  customers(): Iterable<string> {
    return this.#engine.model.customers.keys();
  }

  resources(customerId: string): Iterable<string> {
    return this.#engine.model.customers.get(customerId)?.resources.keys() ?? [];
  }

  features(): Iterable<string> {
    return this.#engine.model.features.keys();
  }

  currencies(): Iterable<string> {
    return this.#engine.model.currencies.keys();
  }

  originOf(subject: Subject, reference: EntitlementReference): EntitlementOrigin | undefined {
    return this.#engine.originOf(subject, reference);
  }
}

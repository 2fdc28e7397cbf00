import type { EntitlementReference } from "../../../../domain/entitlement.js";

const DEFAULT_MAX_REMEMBERED = 64;

/** Remembers which usages states lately had, so that they can be read in the same round trip as the next state. */
export class UsageKeyPrediction {
  readonly #maxRemembered: number;
  /** By type and id, the ones of the latest state last. */
  readonly #remembered = new Map<string, EntitlementReference>();
  #list: readonly EntitlementReference[] = [];
  #learntLast: readonly EntitlementReference[] | undefined;

  constructor(maxRemembered = DEFAULT_MAX_REMEMBERED) {
    this.#maxRemembered = maxRemembered;
  }

  get entitlements(): readonly EntitlementReference[] {
    return this.#list;
  }

  /** @param entitlements what a state was found to keep usages of */
  learn(entitlements: readonly EntitlementReference[]): void {
    if (entitlements === this.#learntLast) return;
    this.#learntLast = entitlements;
    let isNew = false;
    for (const entitlement of entitlements) {
      const name = `${entitlement.type} ${entitlement.id}`;
      isNew = !this.#remembered.delete(name) || isNew;
      this.#remembered.set(name, entitlement);
    }
    for (const name of this.#remembered.keys()) {
      if (this.#remembered.size <= this.#maxRemembered) break;
      this.#remembered.delete(name);
    }
    if (isNew) this.#list = [...this.#remembered.values()];
  }
}

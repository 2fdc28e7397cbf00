import type { AccessDeniedReason } from "../../domain/decision/access-denied-reason.js";
import { nearestIds } from "../../domain/decision/nearest-ids.js";
import type { Subject } from "../../domain/subject.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { Directory } from "../../ports/checks.js";
import type { AnswerSource } from "../../ports/telemetry.js";
import type { ListEntitlements } from "./list-entitlements.js";

/** Everything that a subject may do, as it is shown to people. */
export interface InspectedCustomer {
  readonly source: AnswerSource;
  readonly verifiedAt: number | undefined;
  /** Why there is nothing, where there is nothing. */
  readonly reason: AccessDeniedReason | undefined;
  readonly entitlements: readonly InspectedEntitlement[];
  readonly nearest: readonly string[];
}

export interface InspectedEntitlement {
  readonly type: "feature" | "credit";
  readonly id: string;
  readonly name: string;
  readonly hasAccess: boolean;
  readonly reason: AccessDeniedReason | undefined;
  readonly used: number | undefined;
  /** Undefined: nothing is counted, or without a limit. */
  readonly limit: number | undefined;
  readonly isUnlimited: boolean;
  readonly values: readonly string[];
}

/** Customers that are looked at for those whose id holds a text. */
const MAX_LOOKED_AT = 10_000;
const MAX_FOUND = 20;

/** Finds customers by a part of their id, and lists what one may do. */
export class InspectCustomer {
  readonly #list: ListEntitlements;
  readonly #cache: CacheStore;
  readonly #directory: Directory | undefined;

  constructor(list: ListEntitlements, cache: CacheStore, directory: Directory | undefined) {
    this.#list = list;
    this.#cache = cache;
    this.#directory = directory;
  }

  /** Ids that hold the text, of the source's customers or else of those that are cached. */
  find(text: string): readonly string[] {
    const found: string[] = [];
    let looked = 0;
    for (const id of this.#customers()) {
      if (found.length === MAX_FOUND || looked++ === MAX_LOOKED_AT) break;
      if (id.toLowerCase().includes(text.toLowerCase()) && !found.includes(id)) found.push(id);
    }
    return found;
  }

  async inspect(subject: Subject): Promise<InspectedCustomer> {
    const { result, source, verifiedAt } = await this.#list.list(subject, { deadlineAt: undefined, signal: undefined });
    const features = result.features.map(
      ({ entitlement, hasAccess, accessDeniedReason, usage }): InspectedEntitlement => ({
        type: "feature",
        id: entitlement?.feature.id ?? "",
        name: entitlement?.feature.displayName ?? entitlement?.feature.id ?? "",
        hasAccess,
        reason: accessDeniedReason,
        used: usage?.currentUsage,
        limit: entitlement?.usageLimit,
        isUnlimited: entitlement?.hasUnlimitedUsage ?? false,
        values: entitlement?.enumValues ?? [],
      }),
    );
    const credits = result.credits.map(
      ({ entitlement, hasAccess, accessDeniedReason, usage }): InspectedEntitlement => ({
        type: "credit",
        id: entitlement?.currency.currencyId ?? "",
        name: entitlement?.currency.displayName ?? "",
        hasAccess,
        reason: accessDeniedReason,
        used: usage?.currentUsage,
        limit: entitlement?.usageLimit,
        isUnlimited: false,
        values: [],
      }),
    );
    const entitlements = [...features, ...credits];
    const nearest = entitlements.length === 0 ? nearestIds(subject.customerId, this.#customers()) : [];
    return { source, verifiedAt, reason: result.accessDeniedReason, entitlements, nearest };
  }

  *#customers(): Iterable<string> {
    if (this.#directory !== undefined) yield* this.#directory.customers();
    else for (const { customerId } of this.#cache.recentlyUsed(MAX_LOOKED_AT)) yield customerId;
  }
}

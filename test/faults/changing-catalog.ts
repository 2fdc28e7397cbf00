import type { CatalogEngine } from "../../src/adapters/catalog/engine/catalog-engine.js";
import type { CatalogInput } from "../../src/adapters/catalog/file/catalog-input.js";
import type { Change } from "../../src/domain/change.js";
import { usageReport } from "../builders/catalog-use.js";
import { FactHistory } from "./fact-history.js";
import type { SeededRandom } from "./seeded-random.js";

/** A customer's facts that change: `limit` by edits of the catalog, `usage` by reports. */
export interface CustomerFacts {
  readonly customerId: string;
  readonly limit: FactHistory;
  readonly usage: FactHistory;
}

export const METERED_FEATURE = "seats";
/** A number that each edit makes the same as the limit of METERED_FEATURE: both are of one set, which never comes in parts. */
export const NUMERIC_FEATURE = "tier";

/** Higher than any usage gets, so that a check is granted whatever limit it is given. */
const FIRST_LIMIT = 1_000_000;

/** A catalog that is edited and reported to, and every value that its facts ever had. */
export class ChangingCatalog {
  readonly customers: readonly CustomerFacts[];
  readonly #limits: Map<string, number>;
  #nextLimit = FIRST_LIMIT;
  #engine: CatalogEngine | undefined;
  edits = 0;
  reports = 0;
  /** In all, without what clients report. */
  usageReported = 0;

  constructor(count: number) {
    const ids = Array.from({ length: count }, (_, index) => `customer ${index}`);
    this.customers = ids.map((customerId) => ({
      customerId,
      limit: new FactHistory(`the limit of ${customerId}`),
      usage: new FactHistory(`the usage of ${customerId}`),
    }));
    this.#limits = new Map(ids.map((customerId) => [customerId, this.#nextLimit++]));
    for (const { customerId, limit, usage } of this.customers) {
      limit.becomes(this.#limits.get(customerId)!);
      usage.becomes(0);
    }
  }

  input(): CatalogInput {
    return {
      features: [
        { id: METERED_FEATURE, displayName: "Seats", kind: "metered", meterType: "Fluctuating" },
        { id: NUMERIC_FEATURE, displayName: "Tier", kind: "numeric" },
      ],
      customers: [...this.#limits].map(([id, limit]) => ({
        id,
        overrides: { [METERED_FEATURE]: limit, [NUMERIC_FEATURE]: limit },
      })),
    };
  }

  /** Takes note of everything that changes from now on, as it happens. */
  follow(engine: CatalogEngine): void {
    this.#engine = engine;
    const facts = new Map(this.customers.map((each) => [each.customerId, each]));
    engine.subscribe((change: Change) => {
      if (change.type === "package-published") return;
      const { limit, usage } = facts.get(change.subject.customerId)!;
      if (change.type === "usage-updated") usage.becomes(change.usage.currentUsage);
      if (change.type !== "entitlements-updated") return;
      limit.becomes(change.state.feature(METERED_FEATURE)?.usageLimit ?? Number.NaN);
      usage.becomes(change.state.featureUsage(METERED_FEATURE).currentUsage);
    });
  }

  /** An edit of the catalog, or a usage that somebody else reports. */
  async change(random: SeededRandom): Promise<CustomerFacts> {
    const facts = random.oneOf(this.customers);
    if (random.fraction() < 0.5) this.edit(facts);
    else await this.#report(facts, random.integer(1, 3));
    return facts;
  }

  /** What no answer has shown yet. */
  get unacknowledged(): readonly FactHistory[] {
    return this.customers.flatMap(({ limit, usage }) => [limit, usage]).filter(({ isAcknowledged }) => !isAcknowledged);
  }

  edit({ customerId }: CustomerFacts): void {
    this.edits++;
    this.#limits.set(customerId, this.#nextLimit++);
    this.#engine?.replace(this.input());
  }

  async #report({ customerId }: CustomerFacts, value: number): Promise<void> {
    this.reports++;
    this.usageReported += value;
    await this.#engine?.reportUsage([usageReport({ customerId }, METERED_FEATURE, value)]);
  }
}

import { afterEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { CatalogEngine } from "../../../../../src/adapters/catalog/engine/catalog-engine.js";
import { CatalogReader } from "../../../../../src/adapters/catalog/file/catalog-file.js";
import type { CatalogInput } from "../../../../../src/adapters/catalog/file/catalog-input.js";
import { loadCatalogObject, packCatalogText } from "../../../../../src/adapters/catalog/file/load-catalog.js";
import { FORGETFUL_LOG } from "../../../../../src/adapters/catalog/ledger/counting-queue.js";
import { UsageLedger } from "../../../../../src/adapters/catalog/ledger/usage-ledger.js";
import type { PackedCatalog } from "../../../../../src/adapters/catalog/model/catalog-model.js";
import { compareCatalogs } from "../../../../../src/adapters/catalog/model/compare-catalogs.js";
import { unpackCatalog } from "../../../../../src/adapters/catalog/model/pack-catalog.js";
import { RecordTable } from "../../../../../src/adapters/catalog/model/record-table.js";
import type { Change } from "../../../../../src/domain/change.js";
import { freshKey } from "../../../../builders/catalog-use.js";
import { anyCatalog, anyReport, CATALOG_NOW, CATALOG_SUBJECTS } from "../../../../builders/catalogs.js";
import { ManualClock } from "../../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../../fakes/recording-logger.js";

const MANY = 1_500;

function catalogOf(limit: number, customers = MANY): CatalogInput {
  return {
    features: [{ id: "seats", kind: "metered" }],
    plans: [
      { id: "pro", entitlements: { seats: limit } },
      { id: "free", entitlements: { seats: 1 } },
    ],
    customers: [
      ...Array.from({ length: customers }, (_, index) => ({
        id: `customer-${index}`,
        plan: "pro",
        usage: { seats: 1 },
      })),
      { id: "other", plan: "free" },
    ],
  };
}

const engines: CatalogEngine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

async function serve(catalog: CatalogInput): Promise<CatalogEngine> {
  const engine = new CatalogEngine(
    new UsageLedger(),
    FORGETFUL_LOG,
    new ManualClock(CATALOG_NOW),
    new RecordingLogger(),
  );
  engines.push(engine);
  await engine.adopt(loadCatalogObject(catalog));
  return engine;
}

/** The same in any order of its parts in memory. */
function contentOf({ shared, plans, customers, planOf }: PackedCatalog) {
  const recordsOf = (table: RecordTable) => [...table.keys()].map((id, index) => [id, table.valueAt(index)]);
  return {
    shared,
    plans: recordsOf(new RecordTable(plans)),
    customers: recordsOf(new RecordTable(customers)),
    planOf: [...planOf],
  };
}

function faultOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    return (error as Error).message;
  }
  return "no fault";
}

describe("a catalog that is read in parts", () => {
  it("is the catalog that it is when it is read at once", () => {
    fc.assert(
      fc.property(anyCatalog, fc.constantFrom(undefined, 1), (catalog, indent) => {
        const inParts = packCatalogText("catalog.json", Buffer.from(JSON.stringify(catalog, undefined, indent)));
        // A comment is no JSON, so this is read as YAML, which is read at once.
        const atOnce = packCatalogText("catalog.json", Buffer.from(`${JSON.stringify(catalog)} # a comment`));
        expect(contentOf(inParts)).toEqual(contentOf(atOnce));
        expect(contentOf(loadCatalogObject(catalog).packed)).toEqual(contentOf(atOnce));
      }),
    );
  });

  it.each<[string, (catalog: CatalogInput) => object]>([
    [
      "a customer has no such plan",
      (catalog) => ({ ...catalog, customers: [...catalog.customers, { id: "a", plan: "gold" }] }),
    ],
    [
      "a customer is no customer",
      (catalog) => ({
        ...catalog,
        customers: [...catalog.customers, { id: "a", limit: 1 }, { id: "b", usage: { seats: "x" } }],
      }),
    ],
    ["a customer is there twice", (catalog) => ({ ...catalog, customers: [...catalog.customers, { id: "other" }] })],
    ["a plan is no plan", (catalog) => ({ ...catalog, plans: [{ id: "pro", entitlement: {} }] })],
    [
      "a plan has no such feature",
      (catalog) => ({ ...catalog, plans: [...(catalog.plans ?? []), { id: "x", entitlements: { seets: 1 } }] }),
    ],
    ["a field is none", (catalog) => ({ ...catalog, costumers: [] })],
    ["features are missing", ({ customers }) => ({ customers })],
  ])("says with the same words and places where %s", (_what, spoil) => {
    for (const indent of [undefined, 2]) {
      const spoilt = spoil(catalogOf(3, 20));
      const large = { ...spoilt, "x-filler": "x".repeat(1_100_000) };
      const small = { ...spoilt, "x-filler": "" };
      const of = (value: object) =>
        faultOf(() => packCatalogText("catalog.json", Buffer.from(JSON.stringify(value, undefined, indent))));
      expect(of(large)).toBe(of(small));
      expect(of(small)).toMatch(/catalog\.json:\d+:\d+/);
    }
  });

  it("has ids and escapes as they are", () => {
    const catalog = {
      features: [{ id: 'é<<"\\', kind: "boolean" }],
      customers: [{ id: "\u20ac", overrides: { 'é<<"\\': true } }],
    };
    const escaped = JSON.stringify(catalog).replaceAll(
      /[^ -~]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    for (const text of [JSON.stringify(catalog), escaped, `\ufeff${escaped}`]) {
      const model = unpackCatalog(packCatalogText("catalog.json", Buffer.from(text)));
      expect(model.customers.get("\u20ac")?.overrides.get('é<<"\\')?.terms?.isRevoked).toBe(false);
    }
  });
});

describe("a catalog that is read in a worker", () => {
  const requestOf = (catalog: object) => ({
    file: "catalog.json",
    bytes: Buffer.from(JSON.stringify(catalog)),
    served: loadCatalogOf(catalogOf(2)),
  });
  const loadCatalogOf = (catalog: CatalogInput) => ({
    packed: loadCatalogObject(catalog).packed,
    servedSince: 0,
    statedSince: undefined,
  });

  it("is the catalog that it is here, with the same differences", async () => {
    const request = requestOf(catalogOf(3, MANY - 10));
    const { packed, difference } = await new CatalogReader().read(request);
    expect(contentOf(packed)).toEqual(contentOf(loadCatalogObject(catalogOf(3, MANY - 10)).packed));
    expect(difference).toEqual(compareCatalogs(request.served, packed));
    expect([difference?.changed.length, difference?.removed.length]).toEqual([MANY - 10, 10]);
  });

  it("has its faults said as they are here", async () => {
    const faulty = { ...catalogOf(3), plans: [] };
    const reading = new CatalogReader().read(requestOf(faulty));
    await expect(reading).rejects.toMatchObject({
      code: "invalid-argument",
      message: faultOf(() => packCatalogText("catalog.json", requestOf(faulty).bytes)),
    });
  });

  it("is not read to its end where that is no longer wanted", async () => {
    const reader = new CatalogReader();
    const reading = reader.read(requestOf(catalogOf(3, 20_000)));
    const refused = expect(reading).rejects.toMatchObject({ code: "cancelled" });
    await new Promise((resolve) => setTimeout(resolve, 1));
    await reader.close();
    await refused;
  });
});

describe("an edit that may change many customers", () => {
  it("is reported customer by customer over many turns, and as one where that is wanted", async () => {
    const engine = await serve(catalogOf(2));
    const each: Change[] = [];
    const collective: Change[] = [];
    engine.subscribe((change) => each.push(change));
    engine.subscribe((change) => collective.push(change), true);
    const adopted = engine.adopt(loadCatalogObject(catalogOf(3)));
    expect(engine.stateOf({ customerId: "customer-1499" }).feature("seats")?.usageLimit).toBe(3);
    expect(each.length).toBeLessThan(MANY);
    expect(await adopted).toBe(MANY);
    expect(collective).toEqual([{ type: "package-published", migration: "ALL_CUSTOMERS" }]);
    expect(each).toEqual(
      Array.from({ length: MANY }, (_, index) => ({
        type: "subject-invalidated",
        subject: { customerId: `customer-${index}` },
      })),
    );
  });

  it("joins no usage by its terms to entitlements of the catalog before", async () => {
    const engine = await serve(catalogOf(2));
    const each: Change[] = [];
    engine.subscribe((change) => each.push(change));
    const adopted = engine.adopt(loadCatalogObject(catalogOf(3)));
    const subject = { customerId: "customer-1400" };
    await engine.reportUsage([
      {
        subject,
        featureId: "seats",
        value: 1,
        updateBehavior: "DELTA",
        timestamp: undefined,
        idempotencyKey: freshKey(),
        dimensions: new Map(),
      },
    ]);
    const ofSubject = () =>
      each
        .filter((change) => "subject" in change && change.subject.customerId === "customer-1400")
        .map(({ type }) => type);
    expect(ofSubject()).toEqual(["subject-invalidated", "usage-updated"]);
    await adopted;
    expect(ofSubject()).toEqual(["subject-invalidated", "usage-updated", "subject-invalidated"]);
  });

  it("of an object is reported before it returns", async () => {
    const engine = await serve(catalogOf(2));
    let count = 0;
    engine.subscribe(() => count++);
    engine.replace(catalogOf(3));
    expect(count).toBe(MANY);
  });

  it("concerns nobody where a name for people is another, or a plan that nobody has", async () => {
    const engine = await serve(catalogOf(2));
    const changes: Change[] = [];
    engine.subscribe((change) => changes.push(change));
    const { customers, plans = [], ...rest } = catalogOf(2);
    const renamed = {
      ...rest,
      plans: [...plans.map((plan) => ({ ...plan, displayName: "P" })), { id: "new" }],
      customers: customers.map((customer) => ({ ...customer, name: "C" })),
    };
    expect(await engine.adopt(loadCatalogObject(renamed))).toBe(0);
    expect(changes).toEqual([]);
  });

  it("is reported no further once the engine is closed", async () => {
    const engine = await serve(catalogOf(2));
    let count = 0;
    engine.subscribe(() => count++);
    const adopted = engine.adopt(loadCatalogObject(catalogOf(3)));
    await engine.close();
    const before = count;
    await adopted;
    expect(count).toBe(before);
  });
});

describe("usage that a catalog states", () => {
  it("counts alike whether it is kept for each customer or read from the catalog", async () => {
    const anyStep = fc.oneof(
      fc.record({ edit: anyCatalog }),
      fc.record({ reports: fc.array(anyReport, { minLength: 1, maxLength: 2 }) }),
      fc.record({ waitMs: fc.constantFrom(1, 40 * 86_400_000) }),
    );
    await fc.assert(
      fc.asyncProperty(anyCatalog, fc.array(anyStep, { maxLength: 6 }), async (first, steps) => {
        const clock = new ManualClock(CATALOG_NOW);
        const logs = [{ ...FORGETFUL_LOG, isDurable: true }, FORGETFUL_LOG];
        const both = logs.map((log) => new CatalogEngine(new UsageLedger(), log, clock, new RecordingLogger()));
        for (const engine of both) {
          engine.replace(first);
          await engine.settled();
        }
        for (const step of steps) {
          if ("waitMs" in step) clock.advance(step.waitMs);
          for (const engine of both) {
            if ("edit" in step)
              engine.replace({
                ...step.edit,
                plans: first.plans ?? [],
                features: first.features,
                creditCurrencies: first.creditCurrencies ?? [],
              });
            await engine.settled();
            if ("reports" in step)
              await engine
                .reportUsage(step.reports.map((report) => ({ ...report, timestamp: undefined })))
                .catch(() => undefined);
          }
        }
        for (const subject of CATALOG_SUBJECTS) {
          const [kept, read] = both.map((engine) => amountsOf(engine, subject));
          expect(read).toEqual(kept);
        }
      }),
      { numRuns: 200 },
    );
  });
});

function amountsOf(engine: CatalogEngine, subject: (typeof CATALOG_SUBJECTS)[number]) {
  const state = engine.stateOf(subject);
  return {
    features: [...state.features()].map(({ feature }) => [feature.id, state.featureUsage(feature.id).currentUsage]),
    credits: [...state.credits()].map(({ currency }) => [
      currency.currencyId,
      state.creditUsage(currency.currencyId).currentUsage,
    ]),
  };
}

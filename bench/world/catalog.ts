import type { CatalogInput } from "../../src/adapters/catalog/file/catalog-input.js";
import { EVENT_NAME } from "../load/calls.js";
import { customerIdOf, featureIdOf, METERED_FEATURES } from "./customers.js";

/** As many as one process that reports has, or more. */
export const CATALOG_CUSTOMERS = 1_000;

/** A catalog whose metered features take any number of reports; events are counted for the first of them. */
export function benchCatalog(): CatalogInput {
  const features = METERED_FEATURES.map((feature, index) => ({
    id: featureIdOf(feature),
    kind: "metered" as const,
    ...(index === 0 ? { meter: { event: EVENT_NAME, aggregation: "count" as const } } : {}),
  }));
  const entitlements = Object.fromEntries(
    features.map(({ id }) => [id, { limit: 1_000_000_000, resetPeriod: "MONTH" as const }]),
  );
  const customers = Array.from({ length: CATALOG_CUSTOMERS }, (_, customer) => ({
    id: customerIdOf(customer),
    plan: "all",
  }));
  return { features, plans: [{ id: "all", entitlements }], customers };
}

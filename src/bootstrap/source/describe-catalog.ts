import type { CatalogModel } from "../../adapters/catalog/model/catalog-model.js";

/** How much a catalog holds, in a few words. */
export function describeCatalog({ features, plans, customers }: CatalogModel): string {
  return [counted(features.size, "feature"), counted(plans.size, "plan"), counted(customers.size, "customer")].join(
    ", ",
  );
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

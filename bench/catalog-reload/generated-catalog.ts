import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import type { CatalogInput, CustomerInput } from "../../src/adapters/catalog/file/catalog-input.js";

/** What is different from the catalog before. Each concerns customer 0. */
export type Edit = "none" | "plan" | "customer" | "grant";

/** How many customers are written at a time. */
const BATCH = 1_000;

export function customerId(index: number): string {
  return `customer-${index}`;
}

/** Writes the example catalog with its demo customer so many times over, as JSON, without ever having all of it in memory. */
export async function writeCatalog(file: string, customers: number, edit: Edit): Promise<void> {
  const { customers: examples, ...head } = parse(await readFile("examples/catalog.yaml", "utf8"), {
    merge: true,
  }) as CatalogInput;
  const demo = examples.find(({ id }) => id === "customer-demo");
  if (demo === undefined) throw new Error("examples/catalog.yaml has no customer-demo");
  const output = createWriteStream(file);
  output.write(
    `${JSON.stringify(edit === "plan" ? withAnotherLimit(head, demo.plan) : head).slice(0, -1)},"customers":[`,
  );
  for (let index = 0; index < customers; index += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, customers - index) }, (_, at) => {
      const customer = { ...demo, id: customerId(index + at) };
      return JSON.stringify(index + at === 0 ? edited(customer, edit) : customer);
    });
    if (!output.write(`${index === 0 ? "" : ","}${batch.join(",")}`)) await once(output, "drain");
  }
  output.end("]}");
  await once(output, "close");
}

function withAnotherLimit(
  head: Omit<CatalogInput, "customers">,
  planId: string | undefined,
): Omit<CatalogInput, "customers"> {
  const plans = (head.plans ?? []).map((plan) =>
    plan.id === planId ? { ...plan, entitlements: { ...plan.entitlements, seats: { limit: 4_711 } } } : plan,
  );
  return { ...head, plans };
}

function edited(customer: CustomerInput, edit: Edit): CustomerInput {
  if (edit === "customer") return { ...customer, overrides: { seats: { limit: 4_711 } } };
  if (edit === "grant")
    return { ...customer, overrides: { seats: { limit: 4_711 } }, creditGrants: [{ currency: "ink", amount: 100 }] };
  return customer;
}

import { type CatalogPath, type FaultList, unknownName } from "../file/catalog-fault.js";
import type {
  CreditGrantInput,
  CustomerInput,
  OverrideInput,
  ResourceInput,
  ShortEntitlementInput,
  SubscriptionInput,
} from "../file/catalog-input.js";
import type {
  CatalogNames,
  CreditGrant,
  CustomerDefinition,
  OverrideTerms,
  PlanDefinition,
  SubjectDefinition,
} from "./catalog-model.js";
import { compileTerms } from "./compile-terms.js";
import { ownCurrencies } from "./subscription.js";

const NO_OVERRIDES: ReadonlyMap<string, OverrideTerms> = new Map();
const NO_GRANTS: ReadonlyMap<string, readonly CreditGrant[]> = new Map();
const NO_RESOURCES: ReadonlyMap<string, SubjectDefinition> = new Map();
const NO_AMOUNTS: ReadonlyMap<string, number> = new Map();

export function compileCustomer(
  input: CustomerInput,
  names: CatalogNames,
  path: CatalogPath,
  faults: FaultList,
): CustomerDefinition {
  const own = compileSubject(input, { customerId: input.id }, undefined, names, path, faults);
  const compileResource = (resource: ResourceInput, at: CatalogPath) =>
    compileSubject(resource, { customerId: input.id, resourceId: resource.id }, own, names, at, faults);
  const resources =
    input.resources === undefined
      ? NO_RESOURCES
      : faults.index("resource", input.resources, [...path, "resources"], compileResource);
  // Field by field: spreading a subject into it takes four times the memory, for each of many customers.
  return {
    subject: own.subject,
    plan: own.plan,
    startedAt: own.startedAt,
    validUntil: own.validUntil,
    anchor: own.anchor,
    overrides: own.overrides,
    grants: own.grants,
    initialUsage: own.initialUsage,
    initialCreditsUsed: own.initialCreditsUsed,
    isArchived: input.archived ?? false,
    resources,
  };
}

function compileSubject(
  input: SubscriptionInput,
  subject: SubjectDefinition["subject"],
  customer: SubjectDefinition | undefined,
  names: CatalogNames,
  path: CatalogPath,
  faults: FaultList,
): SubjectDefinition {
  const timestamp = (field: "startedAt" | "anchor" | "validUntil"): number | undefined => {
    const written = input[field];
    return written === undefined ? undefined : faults.timestamp(written, [...path, field]);
  };
  const plan = input.plan === undefined ? undefined : faults.lookUp("plan", names.plans, input.plan, [...path, "plan"]);
  const startedAt = timestamp("startedAt");
  const definition: SubjectDefinition = {
    subject,
    plan,
    startedAt: startedAt ?? customer?.startedAt,
    validUntil: timestamp("validUntil"),
    anchor: timestamp("anchor") ?? startedAt ?? customer?.anchor,
    overrides:
      input.overrides === undefined
        ? NO_OVERRIDES
        : compileOverrides(input.overrides, plan, names, [...path, "overrides"], faults),
    grants:
      input.creditGrants === undefined
        ? NO_GRANTS
        : compileGrants(input.creditGrants, names, [...path, "creditGrants"], faults),
    initialUsage: input.usage === undefined ? NO_AMOUNTS : compileUsage(input.usage, names, [...path, "usage"], faults),
    initialCreditsUsed: input.creditsUsed === undefined ? NO_AMOUNTS : new Map(Object.entries(input.creditsUsed)),
  };
  checkCreditsUsed(definition, customer, [...path, "creditsUsed"], faults);
  return definition;
}

function compileOverrides(
  inputs: Readonly<Record<string, ShortEntitlementInput | OverrideInput>>,
  plan: PlanDefinition | undefined,
  { features, currencies }: CatalogNames,
  path: CatalogPath,
  faults: FaultList,
): ReadonlyMap<string, OverrideTerms> {
  const overrides = new Map<string, OverrideTerms>();
  for (const [featureId, input] of Object.entries(inputs)) {
    const at = [...path, featureId];
    const definition = faults.lookUp("feature", features, featureId, at);
    if (definition === undefined) continue;
    const terms = compileTerms(input, plan?.entitlements.get(featureId), { definition, currencies, path: at, faults });
    const validUntil =
      typeof input === "object" && "validUntil" in input
        ? faults.timestamp(input.validUntil, [...at, "validUntil"])
        : undefined;
    overrides.set(featureId, { terms, validUntil });
  }
  return overrides;
}

function compileGrants(
  inputs: readonly CreditGrantInput[],
  { currencies }: CatalogNames,
  path: CatalogPath,
  faults: FaultList,
): ReadonlyMap<string, readonly CreditGrant[]> {
  const grants = new Map<string, CreditGrant[]>();
  const keys = new Set<string>();
  inputs.forEach((input, index) => {
    const at = [...path, index];
    faults.lookUp("credit currency", currencies, input.currency, [...at, "currency"]);
    const ofCurrency = grants.get(input.currency) ?? [];
    const key = input.id === undefined ? `grant ${ofCurrency.length + 1}` : `grant ${JSON.stringify(input.id)}`;
    if (keys.has(key) && input.id !== undefined) {
      faults.add(
        [...at, "id"],
        `there is a grant ${JSON.stringify(input.id)} already; ids are unique, rename or remove one`,
      );
    }
    if (input.id !== undefined) keys.add(key);
    const timestamp = (field: "effectiveAt" | "expiresAt" | "createdAt") =>
      faults.timestamp(input[field], [...at, field]);
    const effectiveAt = timestamp("effectiveAt");
    const expiresAt = timestamp("expiresAt");
    if (effectiveAt !== undefined && expiresAt !== undefined && expiresAt <= effectiveAt) {
      faults.add([...at, "expiresAt"], "it expires before it is effective; correct expiresAt or effectiveAt");
    }
    ofCurrency.push({
      key,
      currencyId: input.currency,
      amount: input.amount,
      priority: input.priority,
      category: input.category ?? "paid",
      effectiveAt,
      expiresAt,
      createdAt: timestamp("createdAt"),
      hasSoftLimit: input.softLimit ?? false,
    });
    grants.set(input.currency, ofCurrency);
  });
  return grants;
}

function compileUsage(
  usage: Readonly<Record<string, number>>,
  { features }: CatalogNames,
  path: CatalogPath,
  faults: FaultList,
): ReadonlyMap<string, number> {
  for (const featureId of Object.keys(usage)) {
    const definition = faults.lookUp("feature", features, featureId, [...path, featureId]);
    if (definition === undefined || definition.kind === "metered") continue;
    faults.add(
      [...path, featureId],
      `nothing is counted of ${definition.kind} feature ${JSON.stringify(featureId)}; remove it, or make the feature metered`,
    );
  }
  return new Map(Object.entries(usage));
}

function checkCreditsUsed(
  definition: SubjectDefinition,
  customer: SubjectDefinition | undefined,
  path: CatalogPath,
  faults: FaultList,
): void {
  if (definition.initialCreditsUsed.size === 0) return;
  const own = ownCurrencies(definition, customer !== undefined);
  for (const currencyId of definition.initialCreditsUsed.keys()) {
    if (own.has(currencyId)) continue;
    const known = new Map([...own].map((each) => [each, true]));
    faults.add(
      [...path, currencyId],
      `${unknownName("wallet of", currencyId, known.keys())}; a wallet comes with included credits, grants or a credit rate`,
    );
  }
}

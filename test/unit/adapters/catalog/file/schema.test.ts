import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import type {
  CatalogInput,
  CreditCurrencyInput,
  CreditGrantInput,
  CustomerInput,
  EntitlementInput,
  FeatureInput,
  IncludedCreditsInput,
  MeterInput,
  OverrideInput,
  PlanInput,
  ResourceInput,
} from "../../../../../src/adapters/catalog/file/catalog-input.js";

interface SchemaPart {
  readonly description?: string;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, SchemaPart>>;
  readonly then?: SchemaPart;
}

const SCHEMA = JSON.parse(readFileSync("schema/catalog.schema.json", "utf8")) as SchemaPart & {
  readonly $defs: Readonly<Record<string, SchemaPart>>;
};

type FieldsOf<T> = Record<keyof Required<T>, true>;

/** The fields of the types, which the compiler keeps complete. */
const FIELDS: readonly (readonly [string, object])[] = [
  [
    "feature",
    {
      id: true,
      displayName: true,
      description: true,
      kind: true,
      meterType: true,
      units: true,
      unitsPlural: true,
      values: true,
      meter: true,
    } satisfies FieldsOf<FeatureInput>,
  ],
  ["meter", { event: true, aggregation: true, dimension: true, where: true } satisfies FieldsOf<MeterInput>],
  [
    "creditCurrency",
    {
      id: true,
      displayName: true,
      description: true,
      unitSingular: true,
      unitPlural: true,
      additionalMetaData: true,
    } satisfies FieldsOf<CreditCurrencyInput>,
  ],
  ["plan", { id: true, displayName: true, entitlements: true, includedCredits: true } satisfies FieldsOf<PlanInput>],
  [
    "includedCredits",
    {
      currency: true,
      amount: true,
      priority: true,
      resetPeriod: true,
      resetAnchor: true,
      softLimit: true,
    } satisfies FieldsOf<IncludedCreditsInput>,
  ],
  [
    "creditGrant",
    {
      id: true,
      currency: true,
      amount: true,
      priority: true,
      category: true,
      effectiveAt: true,
      expiresAt: true,
      createdAt: true,
      softLimit: true,
    } satisfies FieldsOf<CreditGrantInput>,
  ],
  [
    "entitlement",
    {
      limit: true,
      unlimited: true,
      softLimit: true,
      value: true,
      values: true,
      resetPeriod: true,
      resetAnchor: true,
      creditRate: true,
      revoked: true,
    } satisfies FieldsOf<EntitlementInput>,
  ],
  [
    "override",
    {
      limit: true,
      unlimited: true,
      softLimit: true,
      value: true,
      values: true,
      resetPeriod: true,
      resetAnchor: true,
      creditRate: true,
      revoked: true,
      validUntil: true,
    } satisfies FieldsOf<OverrideInput>,
  ],
  [
    "customer",
    {
      id: true,
      name: true,
      archived: true,
      plan: true,
      startedAt: true,
      anchor: true,
      validUntil: true,
      overrides: true,
      creditGrants: true,
      usage: true,
      creditsUsed: true,
      resources: true,
    } satisfies FieldsOf<CustomerInput>,
  ],
  [
    "resource",
    {
      id: true,
      name: true,
      plan: true,
      startedAt: true,
      anchor: true,
      validUntil: true,
      overrides: true,
      creditGrants: true,
      usage: true,
      creditsUsed: true,
    } satisfies FieldsOf<ResourceInput>,
  ],
];

const propertiesOf = (name: string) => SCHEMA.$defs[name]?.properties ?? SCHEMA.$defs[name]?.then?.properties ?? {};

describe("the schema of a catalog", () => {
  it("has the fields that the types have", () => {
    const top = {
      features: true,
      creditCurrencies: true,
      plans: true,
      customers: true,
    } satisfies FieldsOf<CatalogInput>;
    expect(Object.keys(SCHEMA.properties ?? {}).filter((field) => field !== "$schema")).toEqual(Object.keys(top));
  });

  it.each(FIELDS)("has the fields that the type has: %s", (name, fields) => {
    expect(Object.keys(propertiesOf(name)).sort()).toEqual(Object.keys(fields).sort());
  });

  it.each(FIELDS)("describes every field: %s", (name) => {
    for (const [field, part] of Object.entries(propertiesOf(name))) {
      const referred = SCHEMA.$defs[part.$ref?.replace("#/$defs/", "") ?? ""];
      expect([field, part.description ?? referred?.description]).toEqual([field, expect.stringMatching(/\.$/)]);
    }
  });

  it("is one that editors can use by itself", () => {
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false }).compile(SCHEMA);
    expect([validate(parse(readFileSync("examples/catalog.yaml", "utf8"))), validate.errors]).toEqual([true, null]);
  });
});

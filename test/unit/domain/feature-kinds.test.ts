import { describe, expect, it } from "@jest/globals";
import { buildCustomerState } from "../../../src/domain/build-customer-state.js";
import { type Feature, type FeatureKind, kindOfFeature } from "../../../src/domain/feature.js";

describe("the kind of a feature", () => {
  const rows: [Omit<Feature, "id">, FeatureKind][] = [
    [{ featureType: "BOOLEAN" }, "boolean"],
    [{ featureType: "BOOLEAN", meterType: "None" }, "boolean"],
    [{ featureType: "BOOLEAN", meterType: "Incremental" }, "boolean"],
    [{ featureType: "ENUM" }, "enum"],
    [{ featureType: "ENUM", meterType: "Fluctuating" }, "enum"],
    [{ featureType: "NUMBER", meterType: "Fluctuating" }, "metered"],
    [{ featureType: "NUMBER", meterType: "Incremental" }, "metered"],
    [{ featureType: "NUMBER", meterType: "None" }, "numeric"],
    [{ featureType: "NUMBER" }, "numeric"],
    [{ featureType: "NUMBER", meterType: undefined }, "numeric"],
  ];

  it.each(rows)("%j is %s", (parts, kind) => {
    const feature = { id: "f", ...parts };
    expect(kindOfFeature(feature)).toBe(kind);
    expect(buildCustomerState({ features: [{ feature }] }).feature("f")?.kind).toBe(kind);
  });
});

import type { Feature } from "../../../domain/feature.js";
import { objectBytes, textBytes } from "./heap-sizes.js";
import { Shareable } from "./shared-pool.js";
import { HASH_SEED, mixText } from "./structural-hash.js";

/** What a feature is, which is the same for whoever has it. */
export class FeatureDefinition extends Shareable {
  readonly feature: Feature;
  readonly hash: number;

  constructor(feature: Feature, hash: number) {
    super();
    this.feature = feature;
    this.hash = hash;
  }

  get bytes(): number {
    const { id, displayName, units, unitsPlural } = this.feature;
    return (
      objectBytes(4) +
      objectBytes(6) +
      textBytes(id) +
      textBytes(displayName) +
      textBytes(units) +
      textBytes(unitsPlural)
    );
  }

  isOf(feature: Feature): boolean {
    const own = this.feature;
    return (
      own === feature ||
      (own.id === feature.id &&
        own.displayName === feature.displayName &&
        own.featureType === feature.featureType &&
        own.meterType === feature.meterType &&
        own.units === feature.units &&
        own.unitsPlural === feature.unitsPlural)
    );
  }
}

export function hashFeature(feature: Feature): number {
  return mixText(HASH_SEED, feature.id);
}

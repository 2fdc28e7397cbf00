import { create } from "@bufbuild/protobuf";
import { kindOfFeature, type Feature, type FeatureType, type MeterType } from "../../domain/feature.js";
import {
  EntitlementFeatureSchema,
  FeatureType as WireFeatureType,
  MeterType as WireMeterType,
  type EntitlementFeature,
} from "./gen/stigg/sidecar/v1/sidecar_pb.js";

const WIRE_FEATURE_TYPES: Readonly<Record<FeatureType, WireFeatureType>> = {
  BOOLEAN: WireFeatureType.BOOLEAN,
  NUMBER: WireFeatureType.NUMBER,
  ENUM: WireFeatureType.ENUM,
};

const WIRE_METER_TYPES: Readonly<Record<MeterType, WireMeterType>> = {
  None: WireMeterType.NONE,
  Fluctuating: WireMeterType.FLUCTUATING,
  Incremental: WireMeterType.INCREMENTAL,
};

/** Features belong to the product and not to a customer: few objects, in most answers. */
const encoded = new WeakMap<Feature, EntitlementFeature>();

/** The message is shared among answers: never written to. */
export function encodeFeature(feature: Feature): EntitlementFeature {
  const known = encoded.get(feature);
  if (known !== undefined) return known;
  const message = create(EntitlementFeatureSchema, {
    id: feature.id,
    featureType: WIRE_FEATURE_TYPES[feature.featureType],
    meterType: feature.meterType === undefined ? WireMeterType.UNSPECIFIED : WIRE_METER_TYPES[feature.meterType],
    units: feature.units,
    unitsPlural: feature.unitsPlural,
    isMetered: kindOfFeature(feature) === "metered",
  });
  encoded.set(feature, message);
  return message;
}

/** A feature of which only the id is known: what a fallback is of. */
export function encodeUnknownFeature(featureId: string): EntitlementFeature {
  return create(EntitlementFeatureSchema, { id: featureId });
}

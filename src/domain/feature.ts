/** In the upstream's spelling, as are the other closed lists of the domain. On the wire they are open: see src/wire/fields.ts. */
export const FEATURE_TYPES = ["BOOLEAN", "NUMBER", "ENUM"] as const;

export type FeatureType = (typeof FEATURE_TYPES)[number];

/** How usage of a NUMBER feature moves: not at all, up and down (seats), or only up within a period (requests). */
export const METER_TYPES = ["None", "Fluctuating", "Incremental"] as const;

export type MeterType = (typeof METER_TYPES)[number];

/** What a check of the feature asks: a switch, a configured number, usage against a limit, or membership of values. */
export const FEATURE_KINDS = ["boolean", "numeric", "metered", "enum"] as const;

export type FeatureKind = (typeof FEATURE_KINDS)[number];

export interface Feature {
  readonly id: string;
  readonly displayName?: string | undefined;
  readonly featureType: FeatureType;
  readonly meterType?: MeterType | undefined;
  /** Name of one unit, for example "seat". */
  readonly units?: string | undefined;
  readonly unitsPlural?: string | undefined;
}

/** A NUMBER feature without a meter is numeric: its value is configured, nothing is counted against it. */
export function kindOfFeature(feature: Feature): FeatureKind {
  switch (feature.featureType) {
    case "BOOLEAN":
      return "boolean";
    case "ENUM":
      return "enum";
    case "NUMBER":
      return isCounted(feature.meterType) ? "metered" : "numeric";
  }
}

function isCounted(meterType: MeterType | undefined): boolean {
  switch (meterType) {
    case "Fluctuating":
    case "Incremental":
      return true;
    case "None":
    case undefined:
      return false;
  }
}

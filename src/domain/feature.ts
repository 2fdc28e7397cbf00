export type FeatureType = "BOOLEAN" | "NUMBER" | "ENUM";

/** How usage of a NUMBER feature moves: not at all, up and down (seats), or only up within a period (requests). */
export type MeterType = "None" | "Fluctuating" | "Incremental";

/** What a check of the feature asks: a switch, a configured number, usage against a limit, or membership of values. */
export type FeatureKind = "boolean" | "numeric" | "metered" | "enum";

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
      return feature.meterType === "Fluctuating" || feature.meterType === "Incremental" ? "metered" : "numeric";
  }
}

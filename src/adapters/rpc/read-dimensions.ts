import type { Dimensions, DimensionValue } from "../../domain/usage-report.js";
import type { EventDimensionValue } from "./gen/stigg/sidecar/v1/sidecar_pb.js";
import { invalidArgument, quoted } from "./invalid-argument.js";
import { finite } from "./read-fields.js";

type DimensionsMessage = Readonly<Record<string, EventDimensionValue>>;

const NO_DIMENSIONS: Dimensions = new Map();

/** @throws CodedError `invalid-argument` naming the dimension */
export function readDimensions(message: DimensionsMessage, field: string): Dimensions {
  const names = Object.keys(message);
  if (names.length === 0) return NO_DIMENSIONS;
  const dimensions = new Map<string, DimensionValue>();
  for (const name of names) dimensions.set(name, readDimension(message[name], `${field}[${quoted(name)}]`));
  return dimensions;
}

function readDimension(dimension: EventDimensionValue | undefined, field: string): DimensionValue {
  switch (dimension?.value.case) {
    case "stringValue":
    case "booleanValue":
      return dimension.value.value;
    case "numberValue":
      return finite(dimension.value.value, `${field}.number_value`);
    case undefined:
      throw invalidArgument(`${field} has no value: set one of string_value, number_value and boolean_value`);
  }
}

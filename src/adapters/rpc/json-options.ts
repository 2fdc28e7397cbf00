import type { JsonReadOptions, JsonWriteOptions } from "@bufbuild/protobuf";

/**
 * For the person with curl: "hasAccess": false is there to be read, and a mistyped field is an error. Left out in
 * silence, a mistyped "updateBehavior" would add what was meant to be set.
 */
export const JSON_OPTIONS: Partial<JsonReadOptions & JsonWriteOptions> = {
  alwaysEmitImplicit: true,
  ignoreUnknownFields: false,
};

import { expect, it } from "@jest/globals";
import { updateSourceOf } from "../../../../src/domain/freshness/freshness.js";

it.each([
  { sharesStore: false, wantsStream: undefined, source: "own-stream" },
  { sharesStore: false, wantsStream: true, source: "own-stream" },
  { sharesStore: false, wantsStream: false, source: "nobody" },
  { sharesStore: true, wantsStream: undefined, source: "others" },
  { sharesStore: true, wantsStream: true, source: "own-stream" },
  { sharesStore: true, wantsStream: false, source: "others" },
])("updates come from $source where a store is shared: $sharesStore, a stream wanted: $wantsStream", (row) =>
  expect(updateSourceOf(row.sharesStore, row.wantsStream)).toBe(row.source),
);

import { CodedError } from "../../../domain/errors.js";
import type { UsageEvent } from "../../../domain/usage/usage-report.js";
import type { CatalogModel, MeterDefinition } from "../model/catalog-model.js";
import type { CountedUsage } from "./count-usage.js";

/**
 * The usage that the catalog's meters make of an event: none for an event that no meter names.
 *
 * @throws CodedError `invalid-argument` where a sum has no number to add: dropping the event would be
 *   usage that nobody misses
 */
export function* measureEvent(model: CatalogModel, event: UsageEvent): Iterable<CountedUsage> {
  for (const meter of model.metersByEvent.get(event.eventName) ?? []) {
    if (!matches(meter, event)) continue;
    yield {
      subject: event.subject,
      featureId: meter.featureId,
      value: amountOf(meter, event),
      updateBehavior: "DELTA",
      timestamp: event.timestamp,
    };
  }
}

function matches({ where }: MeterDefinition, { dimensions }: UsageEvent): boolean {
  for (const [dimension, value] of where) if (dimensions.get(dimension) !== value) return false;
  return true;
}

function amountOf({ featureId, sumOver }: MeterDefinition, { eventName, dimensions }: UsageEvent): number {
  if (sumOver === undefined) return 1;
  const value = dimensions.get(sumOver);
  if (typeof value === "number" && Number.isFinite(value)) return value;
  const found = value === undefined ? "is missing" : `is ${JSON.stringify(value)}`;
  throw new CodedError(
    "invalid-argument",
    `feature ${JSON.stringify(featureId)} sums dimension ${JSON.stringify(sumOver)} of event ${JSON.stringify(eventName)}, which ${found}; send a number, or narrow the meter by "where"`,
  );
}

import { MAX_BATCH } from "./sqs-calls.js";

export function* inBatches<T>(items: readonly T[]): Iterable<readonly T[]> {
  for (let from = 0; from < items.length; from += MAX_BATCH) yield items.slice(from, from + MAX_BATCH);
}

import { memoryInUse } from "./memory-in-use.js";
import { cacheCustomer, newCache } from "./shipped.js";

export interface MemoryJob {
  readonly customers: number;
  /** Whether customers of one plan have the same entitlements; else everyone's limits are their own. */
  readonly isShared: boolean;
}

export interface MemoryFigures {
  readonly bytesPerCustomer: number;
  /** What the cache itself takes them for. */
  readonly countedPerCustomer: number;
}

/** In a process of its own: fills a cache and says what it takes. */
export function measureCachedCustomers(): void {
  process.once("message", (job: MemoryJob) => {
    void measure(job).then((figures) => process.send?.(figures));
  });
  process.on("disconnect", () => process.exit());
}

async function measure({ customers, isShared }: MemoryJob): Promise<MemoryFigures> {
  const now = new Date();
  const warm = newCache();
  for (let customer = 0; customer < 200; customer++) await cacheCustomer(warm, customer, isShared, now);
  const before = memoryInUse();
  const cache = newCache();
  for (let customer = 0; customer < customers; customer++) await cacheCustomer(cache, customer, isShared, now);
  const bytes = memoryInUse() - before;
  return { bytesPerCustomer: bytes / customers, countedPerCustomer: cache.size.bytes / customers };
}

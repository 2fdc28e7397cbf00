import type { Benchmark, Row } from "../benchmark.js";
import type { ReferenceFigures, ReferenceJob } from "../decisions/reference-client.js";
import type { MemoryFigures, MemoryJob } from "./cached-customers.js";
import { inOwnProcess } from "./in-own-process.js";

/** Enough for the published client, which fetches each of them. */
const REFERENCE_CUSTOMERS = 1_000;
const UNLIKE_BYTES = 2_500;
const SHARED_BYTES = 1_000;

/** What a cached customer of 20 entitlements takes, heap and external, beside the published client's. */
export const MEMORY: Benchmark = {
  name: "memory",
  title: "Memory per cached customer of 20 entitlements, heap and external",
  async measure(lab) {
    const { customers } = lab.pace;
    const cached = (job: MemoryJob) =>
      inOwnProcess<MemoryFigures>(lab.node, "memory/cached-customers.ts", "measureCachedCustomers", job);
    const shared = await cached({ customers, isShared: true });
    const unlike = await cached({ customers, isShared: false });
    const job: ReferenceJob = { customers: Math.min(REFERENCE_CUSTOMERS, customers), checks: 1, rounds: 1 };
    const reference = await inOwnProcess<ReferenceFigures>(
      lab.node,
      "decisions/reference-client.ts",
      "measureReferenceClient",
      job,
    );
    return [
      ...rowsOf("100 plans shared", shared, SHARED_BYTES),
      ...rowsOf("everyone's limits their own", unlike, UNLIKE_BYTES),
      {
        what: "published client",
        value: reference.bytesPerCustomer,
        unit: "bytes",
        note: `of ${job.customers} customers`,
      },
    ];
  },
};

function rowsOf(what: string, { bytesPerCustomer, countedPerCustomer }: MemoryFigures, atMost: number): readonly Row[] {
  return [
    { what, value: bytesPerCustomer, unit: "bytes", target: { atMost } },
    { what: "… as the cache counts them, of that", value: countedPerCustomer / bytesPerCustomer, unit: "share" },
  ];
}

import type { Benchmark, Row } from "../benchmark.js";
import { startSidecar } from "../processes/server.js";
import { Throughput } from "../throughput.js";
import { FEATURE_COUNT } from "../world/customers.js";
import { CHECKS } from "./cached-checks.js";

/** As cached entitlements: 1,000 to 1,000,000. */
const CUSTOMERS = [50, 500, 5_000, 50_000];
/** What is left of flat once the processor's cache holds no more than a hundredth of the customers. */
const OF_THE_FIRST = 1.25;

/** What a check costs as ever more customers are cached, all of whom are asked for. */
export const GROWTH: Benchmark = {
  name: "growth",
  title: "Cached checks over gRPC as the cache grows, uniformly random customers",
  async measure(lab) {
    const upstream = await lab.upstream();
    const sidecar = await lab.ownedServer(startSidecar(lab.node, upstream));
    const throughput = new Throughput<string>(lab);
    const sizes = CUSTOMERS.filter((customers) => customers <= lab.pace.customers);
    for (const customers of sizes) {
      await lab.fillWith(sidecar, customers);
      const load = { protocol: "grpc", connections: 10, streams: 10, calls: CHECKS, keys: "uniform", customers, areAnswersDecoded: true } as const;
      for (let round = 0; round < lab.pace.rounds; round++) await throughput.measure(String(customers), sidecar, load);
    }
    const [fewest, most] = [sizes[0] ?? 0, sizes.at(-1) ?? 0];
    return [
      ...sizes.map((customers): Row => throughput.rate(String(customers), `${(customers * FEATURE_COUNT).toLocaleString("en-US")} entitlements cached`)),
      throughput.cost(String(most), String(fewest), "processor time of a check with the most, of that with the fewest", OF_THE_FIRST),
    ];
  },
};

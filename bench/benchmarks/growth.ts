import type { Benchmark, Row } from "../benchmark.js";
import { startSidecar } from "../processes/server.js";
import { interleaved } from "../rounds.js";
import { Throughput } from "../throughput.js";
import { FEATURE_COUNT } from "../world/customers.js";
import { CHECKS } from "./cached-checks.js";

/** As cached entitlements: 1,000 to 1,000,000. */
const CUSTOMERS = [50, 500, 50_000];
/** What is left of flat once the processor's cache holds no more than a hundredth of the customers. */
const OF_THE_FIRST = 1.25;

/** What a check costs as ever more customers are cached, all of whom are asked for. */
export const GROWTH: Benchmark = {
  name: "growth",
  title: "Cached checks over gRPC as the cache grows, uniformly random customers",
  async measure(lab) {
    const throughput = new Throughput<string>(lab);
    const sizes = CUSTOMERS.filter((customers) => customers <= lab.pace.customers);
    const turns = [];
    // The largest first: whoever follows upstream hears of all customers that are reported to those who come later.
    for (const customers of sizes.toReversed()) {
      const sidecar = await lab.ownedServer(startSidecar(lab.node, await lab.upstream()));
      await lab.fillWith(sidecar, customers);
      turns.push(
        throughput.turn(String(customers), sidecar, {
          protocol: "grpc",
          connections: 10,
          streams: 10,
          calls: CHECKS,
          keys: "uniform",
          customers,
          areAnswersDecoded: true,
        }),
      );
    }
    await interleaved(lab.pace.rounds, turns);
    const [fewest, most] = [sizes[0] ?? 0, sizes.at(-1) ?? 0];
    return [
      ...sizes.map((customers): Row =>
        throughput.rate(
          String(customers),
          `${(customers * FEATURE_COUNT).toLocaleString("en-US")} entitlements cached`,
        ),
      ),
      throughput.cost(
        String(most),
        String(fewest),
        "processor time of a check with the most, of that with the fewest",
        OF_THE_FIRST,
      ),
    ];
  },
};

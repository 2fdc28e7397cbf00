import type { Benchmark, Row } from "../benchmark.js";
import { interleaved } from "../rounds.js";
import { Throughput } from "../throughput.js";
import { CHECKS } from "./cached-checks.js";

const OF_ECHO = 0.92;

/** Each of the checks by itself, where one may be slower than the others. */
export const EACH_METHOD: Benchmark = {
  name: "methods",
  title: "Cached checks over gRPC, one method at a time, 10 connections with 10 in flight, Zipf-distributed customers",
  isExtra: true,
  async measure(lab) {
    const { rounds, customers } = lab.pace;
    const [sidecar, echo] = [await lab.sidecar(), await lab.peer("echo")];
    const rows: Row[] = [];
    for (const call of CHECKS) {
      const throughput = new Throughput<"sidecar" | "echo">(lab);
      const load = {
        protocol: "grpc",
        connections: 10,
        streams: 10,
        calls: [call],
        keys: "zipf",
        customers,
        areAnswersDecoded: true,
      } as const;
      await interleaved(rounds, [
        throughput.turn("sidecar", sidecar, load),
        throughput.turn("echo", echo, { ...load, areAnswersDecoded: false }),
      ]);
      rows.push(
        throughput.rate("sidecar", `entitlement-sidecar, ${call}`),
        throughput.ratio("sidecar", "echo", "… of the node:http2 echo", OF_ECHO),
      );
    }
    return rows;
  },
};

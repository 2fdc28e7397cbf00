import type { Benchmark, Row } from "../benchmark.js";
import type { CallName } from "../load/calls.js";
import { interleaved } from "../rounds.js";
import { Throughput } from "../throughput.js";

export const CHECKS: readonly CallName[] = ["boolean", "metered", "any", "v2"];

interface Shape {
  readonly connections: number;
  readonly streams: number;
  /** What is to be reached of the echo. */
  readonly ofEcho: Readonly<Record<"zipf" | "uniform", number>>;
}

const OF_GRPC_JS = { zipf: 1.6, uniform: 1.5 };
const OF_CONNECT = { zipf: 8, uniform: 7 };
const LABELS = { zipf: "Zipf-distributed customers", uniform: "uniformly random customers" };

/** All four checks over gRPC in turn, of all customers, beside the peers. */
export const CACHED_CHECKS: readonly Benchmark[] = [
  checksBenchmark({ connections: 10, streams: 10, ofEcho: { zipf: 0.92, uniform: 0.85 } }),
  checksBenchmark({ connections: 50, streams: 1, ofEcho: { zipf: 0.88, uniform: 0.8 } }),
];

function checksBenchmark({ connections, streams, ofEcho }: Shape): Benchmark {
  return {
    name: `checks-${connections}x${streams}`,
    title: `Cached checks over gRPC, ${connections} connections with ${streams} in flight`,
    async measure(lab) {
      const { rounds, customers } = lab.pace;
      const sidecar = await lab.sidecar();
      const [echo, grpcJs, connect] = [await lab.peer("echo"), await lab.peer("grpc-js"), await lab.peer("connect")];
      const throughput = new Throughput<"zipf" | "uniform" | "echo" | "grpc-js" | "connect">(lab);
      const load = {
        protocol: "grpc",
        connections,
        streams,
        calls: CHECKS,
        keys: "zipf",
        customers,
        areAnswersDecoded: true,
      } as const;
      const ofEchoes = { ...load, areAnswersDecoded: false };
      const ofConnect = { ...load, customers: lab.customersOf("connect") };
      await interleaved(rounds, [
        throughput.turn("zipf", sidecar, load),
        throughput.turn("echo", echo, ofEchoes),
        throughput.turn("uniform", sidecar, { ...load, keys: "uniform" }),
        throughput.turn("grpc-js", grpcJs, ofEchoes),
        throughput.turn("connect", connect, ofConnect),
      ]);
      return [
        throughput.rate("echo", "node:http2 echo"),
        throughput.rate("grpc-js", "@grpc/grpc-js echo"),
        throughput.rate("connect", "the same service on Connect's adapter", `with ${ofConnect.customers} customers`),
        ...(["zipf", "uniform"] as const).flatMap((keys): Row[] => [
          throughput.rate(keys, `entitlement-sidecar, ${LABELS[keys]}`, `of ${customers} customers`),
          throughput.ratio(keys, "echo", "… of the node:http2 echo", ofEcho[keys]),
          throughput.ratio(keys, "grpc-js", "… of the @grpc/grpc-js echo", OF_GRPC_JS[keys]),
          throughput.ratio(keys, "connect", "… of Connect's adapter", OF_CONNECT[keys]),
        ]),
        throughput.generatorRow,
      ];
    },
  };
}

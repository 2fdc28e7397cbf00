import type { Benchmark } from "../benchmark.js";
import { interleaved } from "../rounds.js";
import { Throughput } from "../throughput.js";

/** Everything that a customer is entitled to, each entry with its own decision. */
export const LISTS: Benchmark = {
  name: "lists",
  title: "GetEntitlementsStateV2 of 20 entitlements over gRPC, 10 connections with 10 in flight",
  async measure(lab) {
    const { rounds, customers } = lab.pace;
    const [sidecar, connect, echo] = [await lab.sidecar(), await lab.peer("connect"), await lab.peer("echo")];
    const throughput = new Throughput<"sidecar" | "connect" | "echo">(lab);
    const load = {
      protocol: "grpc",
      connections: 10,
      streams: 10,
      calls: ["list"],
      keys: "zipf",
      customers,
      areAnswersDecoded: true,
    } as const;
    await interleaved(rounds, [
      throughput.turn("sidecar", sidecar, load),
      throughput.turn("connect", connect, { ...load, customers: lab.customersOf("connect") }),
      throughput.turn("echo", echo, { ...load, areAnswersDecoded: false }),
    ]);
    return [
      throughput.rate("echo", "node:http2 echo of as many bytes"),
      throughput.rate("connect", "the same service on Connect's adapter"),
      throughput.rate("sidecar", "entitlement-sidecar"),
      throughput.ratio("sidecar", "connect", "… of Connect's adapter", 5),
    ];
  },
};

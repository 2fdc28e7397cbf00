import type { Benchmark } from "../benchmark.js";
import { interleaved } from "../rounds.js";
import { Throughput } from "../throughput.js";
import { CHECKS } from "./cached-checks.js";

const CONNECTIONS = 50;
const OF_ECHO = 0.65;

/** The same checks for clients that speak Connect's JSON over HTTP/1.1. */
export const JSON_CHECKS: Benchmark = {
  name: "json",
  title: `Cached checks as Connect JSON over HTTP/1.1, ${CONNECTIONS} connections`,
  async measure(lab) {
    const { rounds, customers } = lab.pace;
    const [sidecar, echo, connect] = [await lab.sidecar(), await lab.peer("http-echo"), await lab.peer("connect")];
    const throughput = new Throughput<"sidecar" | "echo" | "connect">(lab);
    const load = {
      protocol: "json",
      connections: CONNECTIONS,
      streams: 1,
      calls: CHECKS,
      keys: "zipf",
      customers,
      areAnswersDecoded: true,
    } as const;
    await interleaved(rounds, [
      throughput.turn("sidecar", sidecar, load),
      throughput.turn("echo", echo, { ...load, areAnswersDecoded: false }),
      throughput.turn("connect", connect, { ...load, customers: lab.customersOf("connect") }),
    ]);
    return [
      throughput.rate("echo", "node:http echo"),
      throughput.rate("connect", "the same service on Connect's adapter"),
      throughput.rate("sidecar", "entitlement-sidecar"),
      throughput.ratio("sidecar", "echo", "… of the node:http echo", OF_ECHO),
      throughput.ratio("sidecar", "connect", "… of Connect's adapter", 2),
    ];
  },
};

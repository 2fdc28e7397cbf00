import type { Benchmark } from "../benchmark.js";
import type { MeasuredServer } from "../processes/server.js";
import { interleaved, Rounds } from "../rounds.js";

const OF_ECHO = 1.15;

/** One client that waits for each answer: what a check adds to its caller's own time. */
export const ONE_IN_FLIGHT: Benchmark = {
  name: "one-in-flight",
  title: "One client, one check in flight",
  async measure(lab) {
    const p50 = new Rounds<"sidecar" | "echo">();
    const p99 = new Rounds<"sidecar" | "echo">();
    const turn =
      (name: "sidecar" | "echo", { grpcPort: port, child: { pid: serverPid } }: MeasuredServer) =>
      async () => {
        const { customers, warmUpMs, measuredMs } = lab.pace;
        const load = {
          protocol: "grpc",
          port,
          serverPid,
          connections: 1,
          streams: 1,
          calls: ["metered"],
          keys: "zipf",
          customers,
        } as const;
        const { latency } = await lab.run({
          ...load,
          areAnswersDecoded: name === "sidecar",
          shape: { kind: "closed", warmUpMs, measuredMs },
        });
        p50.add(name, latency.p50);
        p99.add(name, latency.p99);
      };
    const sidecar = await lab.sidecar();
    const echo = await lab.peer("echo");
    await interleaved(lab.pace.rounds, [turn("sidecar", sidecar), turn("echo", echo)]);
    return [
      { what: "node:http2 echo, p50", value: p50.median("echo"), unit: "ms" },
      { what: "entitlement-sidecar, p50", value: p50.median("sidecar"), unit: "ms" },
      { what: "… of the echo's", value: p50.ratio("sidecar", "echo"), unit: "x", target: { atMost: OF_ECHO } },
      { what: "node:http2 echo, p99", value: p99.median("echo"), unit: "ms" },
      { what: "entitlement-sidecar, p99", value: p99.median("sidecar"), unit: "ms" },
      { what: "… of the echo's", value: p99.ratio("sidecar", "echo"), unit: "x", target: { atMost: OF_ECHO } },
    ];
  },
};

import type { Benchmark, Row } from "../benchmark.js";
import { hasH2load, runH2load } from "../load/h2load.js";
import { interleaved, Rounds } from "../rounds.js";
import { Throughput } from "../throughput.js";

/** What it may fall behind a generator in C before it would be the limit. */
const OF_H2LOAD = 0.95;

/** Whether the load generator is fast enough that servers are what is measured. */
export const GENERATOR: Benchmark = {
  name: "generator",
  title: "The load generator beside h2load, on the node:http2 echo, 10 connections with 10 in flight",
  async measure(lab) {
    const { rounds, customers, measuredMs, isSmoke } = lab.pace;
    const echo = await lab.peer("echo");
    const throughput = new Throughput<"one" | "zipf">(lab);
    const compared = new Rounds<"one" | "h2load">();
    const load = {
      protocol: "grpc",
      connections: 10,
      streams: 10,
      calls: ["metered"],
      keys: "one",
      customers,
      areAnswersDecoded: false,
    } as const;
    const own = async () => {
      const { perSecond } = await lab.run({
        ...load,
        port: echo.grpcPort,
        serverPid: echo.child.pid,
        shape: { kind: "closed", warmUpMs: lab.pace.warmUpMs, measuredMs },
      });
      compared.add("one", perSecond);
    };
    const h2load = async () => {
      compared.add(
        "h2load",
        await runH2load({
          port: echo.grpcPort,
          connections: 10,
          streams: 10,
          call: "metered",
          extent: isSmoke ? { requests: 1_000 } : { measuredMs },
        }),
      );
    };
    const isThere = hasH2load();
    await interleaved(rounds, [
      own,
      ...(isThere ? [h2load] : []),
      throughput.turn("zipf", echo, { ...load, keys: "zipf" }),
    ]);
    const beside = (): readonly Row[] => [
      { what: "h2load, one key", value: compared.median("h2load"), unit: "per second" },
      { what: "… this one of that", value: compared.ratio("one", "h2load"), unit: "x", target: { atLeast: OF_H2LOAD } },
    ];
    return [
      {
        what: "this one, one key",
        value: compared.median("one"),
        unit: "per second",
        ...(isThere ? {} : { note: "h2load is not installed" }),
      },
      ...(isThere ? beside() : []),
      throughput.rate("zipf", "this one, Zipf-distributed keys"),
      throughput.generatorRow,
    ];
  },
};

import type { Benchmark, Row } from "../benchmark.js";
import type { Lab } from "../lab.js";
import type { LoadJob, LoadResult } from "../load/load-job.js";
import type { LoadGenerator } from "../processes/load-generator.js";
import { MachinePauses } from "../processes/machine-pauses.js";
import type { MeasuredServer } from "../processes/server.js";
import { stolenMs } from "../processes/stolen-time.js";
import { median } from "../rounds.js";
import { CHECKS } from "./cached-checks.js";

const EVENTS_PER_SECOND = 1_000;
/** Until both ends are compiled for requests that come a few at a time. */
const LARGEST_WARM_UP_MS = 5_000;
/** The machine takes its cores away for a while now and then: that is to be seen as what it is, in some windows of many. */
const WINDOWS = 12;
const WINDOWS_OF_ECHO = 3;

/** Checks at half of the rate that the sidecar can take, and changes of usage all the while; before it the echo, at half of its own. */
export const STEADY_LOAD: Benchmark = {
  name: "steady",
  title: `Checks at half of the highest rate, with ${EVENTS_PER_SECOND} usage events a second`,
  async measure(lab) {
    await lab.stopPeer("connect");
    const sidecar = await lab.sidecar();
    const echo = await lab.peer("echo");
    const upstream = await lab.upstream();
    return lab.withFreshGenerator(async (generator) => {
      const ofEcho = await measureSteadily(lab, generator, echo, {
        areAnswersDecoded: false,
        windows: WINDOWS_OF_ECHO,
      });
      upstream.sendUsage(EVENTS_PER_SECOND);
      const ofSidecar = await measureSteadily(lab, generator, sidecar, { areAnswersDecoded: true, windows: WINDOWS });
      upstream.sendUsage(0);
      return [...rowsOf(ofSidecar), ...rowsOfEcho(echo.name, ofEcho)];
    });
  },
};

interface Steady {
  readonly highest: number;
  readonly perSecond: number;
  readonly result: LoadResult;
  readonly stolenMs: number;
  /** Of the machine itself; undefined where that cannot be known. */
  readonly machinePauseMs: number | undefined;
}

async function measureSteadily(
  { pace }: Lab,
  generator: LoadGenerator,
  server: MeasuredServer,
  { areAnswersDecoded, windows }: { readonly areAnswersDecoded: boolean; readonly windows: number },
): Promise<Steady> {
  const load: Omit<LoadJob, "shape"> = {
    protocol: "grpc",
    port: server.grpcPort,
    serverPid: server.child.pid,
    connections: 10,
    streams: 10,
    calls: CHECKS,
    keys: "zipf",
    customers: pace.customers,
    areAnswersDecoded,
  };
  const { perSecond: highest } = await generator.run({
    ...load,
    shape: { kind: "closed", warmUpMs: pace.firstWarmUpMs, measuredMs: pace.measuredMs },
  });
  const perSecond = Math.floor(highest / 2);
  const windowMs = pace.steadyMs / WINDOWS;
  const stolenBefore = stolenMs();
  const machine = new MachinePauses();
  const result = await generator.run({
    ...load,
    shape: { kind: "steady", perSecond, warmUpMs: Math.min(LARGEST_WARM_UP_MS, pace.steadyMs), windowMs, windows },
  });
  return { highest, perSecond, result, stolenMs: stolenMs() - stolenBefore, machinePauseMs: await machine.longestMs() };
}

function rowsOf({ highest, perSecond, result, stolenMs, machinePauseMs }: Steady): readonly Row[] {
  const { latency, longestStallMs, answers, verified, serverCpuSeconds, seconds } = result;
  const p99s = result.windows.map(({ p99 }) => p99);
  return [
    { what: "highest rate", value: highest, unit: "per second" },
    {
      what: `steady rate, for ${seconds.toFixed(0)} s`,
      value: perSecond,
      unit: "per second",
      note: `what is due is sent every 0.25 ms, and timed from when it was due; ${answers} answers, ${verified} of them decoded and right`,
    },
    { what: "p50", value: latency.p50, unit: "ms" },
    { what: "p99", value: latency.p99, unit: "ms", target: { atMost: 5 } },
    {
      what: `p99, the median of ${p99s.length} windows`,
      value: median(p99s),
      unit: "ms",
      note: `from ${Math.min(...p99s).toFixed(1)} to ${Math.max(...p99s).toFixed(1)} ms`,
    },
    { what: "p99.9", value: latency.p999, unit: "ms" },
    {
      what: "longest pause",
      value: latency.max,
      unit: "ms",
      target: { atMost: 50 },
      note: `the load generator itself stood still for up to ${longestStallMs.toFixed(1)} ms`,
    },
    ...machineRow(machinePauseMs),
    { what: "others on the host had this machine's cores meanwhile", value: stolenMs, unit: "ms" },
    { what: "the sidecar used of its core", value: serverCpuSeconds / seconds, unit: "share" },
  ];
}

function machineRow(pauseMs: number | undefined): readonly Row[] {
  return pauseMs === undefined
    ? []
    : [{ what: "longest pause of the machine itself meanwhile", value: pauseMs, unit: "ms" }];
}

function rowsOfEcho(name: string, { perSecond, result, stolenMs, machinePauseMs }: Steady): readonly Row[] {
  const { latency, seconds, longestStallMs } = result;
  const what = `${name}, at half of its own highest rate, for ${seconds.toFixed(0)} s`;
  return [
    {
      what,
      value: perSecond,
      unit: "per second",
      note: `the load generator stood still for up to ${longestStallMs.toFixed(1)} ms; the machine for up to ${machinePauseMs?.toFixed(1) ?? "?"} ms; others on the host had the cores for ${stolenMs.toFixed(0)} ms`,
    },
    { what: "its p99", value: latency.p99, unit: "ms" },
    { what: "its longest pause", value: latency.max, unit: "ms" },
  ];
}

import type { Benchmark } from "../benchmark.js";
import type { LoadJob } from "../load/load-job.js";
import { stolenMs } from "../processes/stolen-time.js";
import { CHECKS } from "./cached-checks.js";

const EVENTS_PER_SECOND = 1_000;
/** Until both ends are compiled for requests that come a few at a time. */
const LARGEST_WARM_UP_MS = 5_000;

/** Checks at half of the rate that the sidecar can take, and news of usage all the while. */
export const STEADY_LOAD: Benchmark = {
  name: "steady",
  title: `Checks at half of the highest rate, with ${EVENTS_PER_SECOND} usage events a second`,
  async measure(lab) {
    const { pace } = lab;
    await lab.stopPeers();
    const sidecar = await lab.sidecar();
    const upstream = await lab.upstream();
    const load: Omit<LoadJob, "shape"> = {
      protocol: "grpc",
      port: sidecar.grpcPort,
      serverPid: sidecar.child.pid,
      connections: 10,
      streams: 10,
      calls: CHECKS,
      keys: "zipf",
      customers: pace.customers,
      areAnswersDecoded: true,
    };
    const { perSecond: highest } = await lab.run({ ...load, shape: { kind: "closed", warmUpMs: pace.firstWarmUpMs, measuredMs: pace.measuredMs } });
    const perSecond = Math.floor(highest / 2);
    upstream.sendUsage(EVENTS_PER_SECOND);
    const warmUpMs = Math.min(LARGEST_WARM_UP_MS, pace.steadyMs);
    const stolenBefore = stolenMs();
    const { latency, longestStallMs, answers, verified, serverCpuSeconds, seconds } = await lab.run({ ...load, shape: { kind: "steady", perSecond, warmUpMs, measuredMs: pace.steadyMs } });
    const stolen = stolenMs() - stolenBefore;
    upstream.sendUsage(0);
    return [
      { what: "highest rate", value: highest, unit: "per second" },
      { what: `steady rate, for ${pace.steadyMs / 1_000} s`, value: perSecond, unit: "per second", note: `what is due is sent every 0.25 ms, and timed from when it was due; ${answers} answers, ${verified} of them decoded and right` },
      { what: "p50", value: latency.p50, unit: "ms" },
      { what: "p99", value: latency.p99, unit: "ms", target: { atMost: 5 } },
      { what: "p99.9", value: latency.p999, unit: "ms" },
      { what: "longest pause", value: latency.max, unit: "ms", target: { atMost: 50 }, note: `the load generator itself stood still for up to ${longestStallMs.toFixed(1)} ms` },
      { what: "others on the host had this machine's cores meanwhile", value: stolen, unit: "ms" },
      { what: "the sidecar used of its core", value: serverCpuSeconds / seconds, unit: "share" },
    ];
  },
};

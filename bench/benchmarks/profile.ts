import { mkdir, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Benchmark, Row } from "../benchmark.js";
import type { Lab } from "../lab.js";
import { REPO } from "../processes/child.js";
import { INSPECTED, Inspector } from "../processes/inspector.js";
import { startSidecar } from "../processes/server.js";
import { CHECKS } from "./cached-checks.js";

const SHOWN = 15;
const SAMPLE_EVERY_US = 200;
const SAMPLE_EVERY_BYTES = 16_384;
const LEAST_PROFILED_MS = 5_000;

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface AllocationNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly AllocationNode[];
}

/** What the sidecar's time and what its garbage are made of while it answers cached checks. */
export const PROFILE: Benchmark = {
  name: "profile",
  title:
    "Profile of the sidecar, cached checks over gRPC, 10 connections with 10 in flight, Zipf-distributed customers",
  isExtra: true,
  async measure(lab) {
    const upstream = await lab.upstream();
    const server = await lab.ownedServer(startSidecar(lab.node, upstream, {}, [INSPECTED]));
    await lab.fill(server);
    const load = {
      protocol: "grpc",
      port: server.grpcPort,
      serverPid: server.child.pid,
      connections: 10,
      streams: 10,
      calls: CHECKS,
      keys: "zipf",
      customers: lab.pace.customers,
      areAnswersDecoded: true,
    } as const;
    const measuredMs = Math.max(lab.pace.measuredMs, lab.pace.isSmoke ? 0 : LEAST_PROFILED_MS);
    const run = () => lab.run({ ...load, shape: { kind: "closed", warmUpMs: lab.pace.warmUpMs, measuredMs } });
    await run();
    const inspector = await Inspector.connect(server.child);
    await inspector.call("Profiler.enable");
    await inspector.call("Profiler.setSamplingInterval", { interval: SAMPLE_EVERY_US });
    await inspector.call("Profiler.start");
    await run();
    const { profile } = (await inspector.call("Profiler.stop")) as { readonly profile: CpuProfile };
    await inspector.call("HeapProfiler.enable");
    await inspector.call("HeapProfiler.startSampling", {
      samplingInterval: SAMPLE_EVERY_BYTES,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    const { answers } = await run();
    const allocations = (await inspector.call("HeapProfiler.stopSampling")) as {
      readonly profile: { readonly head: AllocationNode };
    };
    inspector.close();
    await keepProfiles(lab, profile, allocations.profile);
    return [...cpuRows(profile), ...allocationRows(allocations.profile.head, answers)];
  },
};

function cpuRows({ nodes, samples, timeDeltas }: CpuProfile): readonly Row[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, index) => add(times, frames.get(id) ?? "unknown", timeDeltas[index]!));
  times.delete("(idle)");
  const total = sum(times.values());
  return largest(times).map(([name, time]) => ({ what: `time: ${name}`, value: time / total, unit: "share" }));
}

function allocationRows(head: AllocationNode, answers: number): readonly Row[] {
  const sizes = new Map<string, number>();
  const visit = (node: AllocationNode) => {
    add(sizes, nameOf(node.callFrame), node.selfSize);
    node.children.forEach(visit);
  };
  visit(head);
  const total: Row = { what: "allocated for each answer", value: sum(sizes.values()) / answers, unit: "bytes" };
  return [
    total,
    ...largest(sizes).map(([name, size]): Row => ({
      what: `allocated: ${name}`,
      value: size / answers,
      unit: "bytes",
      note: "for each answer",
    })),
  ];
}

async function keepProfiles(lab: Lab, cpu: CpuProfile, allocations: object): Promise<void> {
  if (lab.pace.isSmoke) return;
  const folder = resolve(REPO, "bench/results/profiles");
  await mkdir(folder, { recursive: true });
  const name = resolve(folder, new Date().toISOString().replaceAll(":", "-"));
  await Promise.all([
    writeFile(`${name}.cpuprofile`, JSON.stringify(cpu)),
    writeFile(`${name}.heapprofile`, JSON.stringify(allocations)),
  ]);
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const file = url.replace(/^.*\/(dist|node_modules)\//, "");
  return file === "" ? functionName : `${functionName === "" ? "(anonymous)" : functionName} ${file}:${lineNumber + 1}`;
}

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value);
}

function sum(values: Iterable<number>): number {
  return [...values].reduce((total, value) => total + value, 0);
}

function largest(sums: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...sums].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
}

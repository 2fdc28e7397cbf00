import type { Benchmark, Row } from "../benchmark.js";
import type { Lab } from "../lab.js";
import { NATIVE_PEERS, type NativePeerName } from "../processes/native-peers.js";
import { interleaved } from "../rounds.js";
import { Throughput } from "../throughput.js";
import { CHECKS } from "./cached-checks.js";

const SHAPES = [
  { connections: 10, streams: 10, ofHyper: 1.2 },
  { connections: 50, streams: 1, ofHyper: 1 },
] as const;
const PEERS: readonly NativePeerName[] = ["hyper", "grpc-go"];

/** The plain cached check beside echoes in Rust and Go. */
export const NATIVE: Benchmark = {
  name: "native-peers",
  title: "Cached checks over gRPC beside echoes in Rust and Go, Zipf-distributed customers",
  async measure(lab) {
    const rows: Row[] = [];
    for (const peer of PEERS) rows.push(...(await rowsBeside(lab, peer)));
    return rows;
  },
};

async function rowsBeside(lab: Lab, peer: NativePeerName): Promise<readonly Row[]> {
  const { name } = NATIVE_PEERS[peer];
  const echo = await lab.nativePeer(peer);
  if (typeof echo === "string") {
    process.stderr.write(`${name}: skipped, ${echo}\n`);
    return [];
  }
  const { rounds, customers } = lab.pace;
  const sidecar = await lab.sidecar();
  const rows: Row[] = [];
  for (const { connections, streams, ofHyper } of SHAPES) {
    const throughput = new Throughput<"sidecar" | "echo">(lab);
    const load = {
      protocol: "grpc",
      connections,
      streams,
      calls: CHECKS,
      keys: "zipf",
      customers,
      areAnswersDecoded: true,
    } as const;
    await interleaved(rounds, [
      throughput.turn("sidecar", sidecar, load),
      throughput.turn("echo", echo, { ...load, areAnswersDecoded: false }),
    ]);
    const shape = `${connections} x ${streams}`;
    rows.push(
      throughput.rate("echo", `${name}, ${shape}`),
      throughput.rate("sidecar", `entitlement-sidecar, ${shape}`),
      throughput.ratio("sidecar", "echo", `… of the ${name}`, peer === "hyper" ? ofHyper : undefined),
    );
  }
  return rows;
}

import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import type { Benchmark, Row } from "../benchmark.js";
import type { Lab } from "../lab.js";
import { Child, REPO } from "../processes/child.js";
import { freePort } from "../processes/free-port.js";
import { LOCAL_SERVICE } from "../processes/server.js";
import { interleaved, Rounds } from "../rounds.js";
import { CHECKS } from "./cached-checks.js";

const PROCESSES = 2;
const MOST_CUSTOMERS = 2_000;
const CLI = resolve(REPO, "dist/bootstrap/cli.js");
const FOLLOWS_STREAM = "the update stream is connected";

/** Where several processes of a kind listen. */
interface Fleet {
  readonly name: string;
  readonly ports: readonly number[];
}

/** What both cores give, shared with the load generator: behind one port, and as services of their own. */
export const SEVERAL_PROCESSES: Benchmark = {
  name: "processes",
  title: `${PROCESSES} processes on all cores beside one, load generator included`,
  isExtra: true,
  async measure(lab) {
    const customers = Math.min(MOST_CUSTOMERS, lab.pace.customers);
    const fleets = [
      await severalSidecars(lab, 1),
      await severalSidecars(lab, PROCESSES),
      await clustered(lab),
      ...(canReusePort(lab.node) ? [await reusingPort(lab)] : []),
    ];
    await (await lab.upstream()).sendEntitlements(customers);
    const rows: Row[] = [];
    for (const connections of [10, 1]) {
      const rounds = new Rounds<string>();
      const load = {
        protocol: "grpc",
        connections,
        streams: 100 / connections,
        calls: CHECKS,
        keys: "zipf",
        customers,
        areAnswersDecoded: true,
      } as const;
      const shape = { kind: "closed", warmUpMs: lab.pace.warmUpMs, measuredMs: lab.pace.measuredMs } as const;
      const turns = fleets.map(({ name, ports: [port = 0, ...otherPorts] }) => async () => {
        rounds.add(name, (await lab.run({ ...load, port, otherPorts, serverPid: 0, shape })).perSecond);
      });
      await interleaved(lab.pace.rounds, turns);
      const [one, ...others] = fleets.map(({ name }) => name);
      const of = `${connections} connection${connections === 1 ? "" : "s"}`;
      rows.push({ what: `${one!}, ${of}`, value: rounds.median(one!), unit: "per second" });
      for (const name of others)
        rows.push({
          what: `${name}, ${of}`,
          value: rounds.ratio(name, one!),
          unit: "x",
          note: `of one; ${Math.round(rounds.median(name))} a second`,
        });
    }
    return rows;
  },
};

async function severalSidecars(lab: Lab, count: number): Promise<Fleet> {
  const ports: number[] = [];
  for (let index = 0; index < count; index++) {
    const port = await freePort();
    await start(lab, [CLI, "serve"], port, 1);
    ports.push(port);
  }
  return { name: count === 1 ? "one sidecar" : `${count} sidecars with a port each`, ports };
}

async function clustered(lab: Lab): Promise<Fleet> {
  const port = await freePort();
  await start(lab, [resolve(REPO, "bench/peers/clustered-sidecar.js"), String(PROCESSES)], port, PROCESSES);
  return { name: `${PROCESSES} behind one port by node:cluster`, ports: [port] };
}

async function reusingPort(lab: Lab): Promise<Fleet> {
  const port = await freePort();
  const command = ["--import", resolve(REPO, "bench/peers/reuse-port.js"), CLI, "serve"];
  for (let index = 0; index < PROCESSES; index++) await start(lab, command, port, 1);
  return { name: `${PROCESSES} behind one port by reusePort`, ports: [port] };
}

/** @param followers how many processes there have to be that follow upstream's changes */
async function start(lab: Lab, args: readonly string[], port: number, followers: number): Promise<void> {
  const upstream = await lab.upstream();
  const env = {
    ...LOCAL_SERVICE,
    ...upstream.environment,
    GRPC_PORT: String(port),
    METRICS_PORT: String(await freePort()),
  };
  const child = new Child([lab.node, ...args], { core: "any", env });
  await lab.owned(Promise.resolve(child));
  await child.printed(new RegExp(`(${FOLLOWS_STREAM}[^]*){${followers}}`));
}

/** Node listens so from 23.1 on. */
function canReusePort(node: string): boolean {
  const [major = 0, minor = 0] = execFileSync(node, ["-p", "process.versions.node"], { encoding: "utf8" })
    .split(".")
    .map(Number);
  return major > 23 || (major === 23 && minor >= 1);
}

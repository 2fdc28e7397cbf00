import { untilPasses } from "../support/expectations.js";
import { freePort, type RedisServer, type RedisServerOptions, startRedis } from "./redis-servers.js";

const SLOTS = 16_384;
const MAX_STARTS = 5;
const FORMING_TIME_LIMIT = { timeout: 30_000, interval: 50 };

export interface RedisClusterOptions {
  readonly masters?: number;
  readonly replicasOfEach?: number;
  readonly server?: RedisServerOptions;
}

/** A Cluster of real servers; the slots are shared out evenly among the masters. */
export class RedisCluster {
  readonly masters: readonly RedisServer[];
  /** In the order of their masters. */
  readonly replicas: readonly RedisServer[];

  constructor(masters: readonly RedisServer[], replicas: readonly RedisServer[]) {
    this.masters = masters;
    this.replicas = replicas;
  }

  get nodes(): readonly { readonly host: string; readonly port: number }[] {
    return this.masters.map(({ host, port }) => ({ host, port }));
  }

  /** Gives a slot, and the keys in it, to another master. */
  async moveSlot(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
    const [source, target] = [from.admin, to.admin];
    const [sourceId, targetId] = [await idOf(from), await idOf(to)];
    await target.cluster("SETSLOT", slot, "IMPORTING", sourceId);
    await source.cluster("SETSLOT", slot, "MIGRATING", targetId);
    for (const key of await keysIn(source, slot))
      await source.call("MIGRATE", to.host, to.port, key, 0, 5_000, ...to.migrationAccess);
    for (const server of [to, from, ...this.masters]) await server.admin.cluster("SETSLOT", slot, "NODE", targetId);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.masters, ...this.replicas].map((server) => server.stop()));
  }
}

/** Takes about 2 s: servers wait that long before they trust a new Cluster. */
export async function startCluster({
  masters = 3,
  replicasOfEach = 0,
  server = {},
}: RedisClusterOptions = {}): Promise<RedisCluster> {
  const all = await Promise.all(Array.from({ length: masters * (1 + replicasOfEach) }, () => startNode(server)));
  const cluster = new RedisCluster(all.slice(0, masters), all.slice(masters));
  try {
    await form(cluster);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** With another bus port whenever it does not start: somebody may have taken the one before meanwhile. */
async function startNode(server: RedisServerOptions, starts = 1): Promise<RedisServer> {
  try {
    return await startRedis({ ...server, config: { ...server.config, ...(await clusterConfiguration()) } });
  } catch (error) {
    if (starts === MAX_STARTS) throw error;
    return startNode(server, starts + 1);
  }
}

async function clusterConfiguration(): Promise<Record<string, string>> {
  return {
    "cluster-enabled": "yes",
    "cluster-config-file": "nodes.conf",
    "cluster-node-timeout": "1500",
    // The usual one, 10,000 above the port, may not be free, and may not even be a port.
    "cluster-port": String(await freePort()),
    "cluster-replica-validity-factor": "0",
  };
}

async function form({ masters, replicas }: RedisCluster): Promise<void> {
  const all = [...masters, ...replicas];
  const first = masters[0]!;
  await Promise.all(
    masters.map(async (master, index) => {
      const slotsFrom = (part: number) => Math.floor((part * SLOTS) / masters.length);
      await master.admin.cluster("SET-CONFIG-EPOCH", index + 1);
      await master.admin.call("CLUSTER", "ADDSLOTSRANGE", slotsFrom(index), slotsFrom(index + 1) - 1);
    }),
  );
  for (const { host, port, busPort } of await Promise.all(all.slice(1).map(withBusPort))) {
    await first.admin.call("CLUSTER", "MEET", host, port, busPort);
  }
  const untilAll = (isSo: (server: RedisServer) => Promise<boolean>) =>
    untilPasses(async () => {
      if (!(await Promise.all(all.map(isSo))).every(Boolean)) throw new Error("the Cluster does not come about");
    }, FORMING_TIME_LIMIT);
  await untilAll(async (server) => (await clusterInfo(server)).includes(`cluster_known_nodes:${all.length}`));
  await Promise.all(
    replicas.map(async (replica, index) =>
      replica.admin.cluster("REPLICATE", await idOf(masters[index % masters.length]!)),
    ),
  );
  await untilAll(async (server) => (await clusterInfo(server)).includes("cluster_state:ok"));
  await untilPasses(async () => {
    const links = await Promise.all(replicas.map((replica) => replica.admin.info("replication")));
    if (!links.every((info) => info.includes("master_link_status:up")))
      throw new Error("a replica does not follow its master");
  }, FORMING_TIME_LIMIT);
}

async function withBusPort(server: RedisServer) {
  const [, busPort] = (await server.admin.config("GET", "cluster-port")) as [string, string];
  return { host: server.host, port: server.port, busPort };
}

async function clusterInfo(server: RedisServer): Promise<string> {
  return await server.admin.cluster("INFO");
}

async function idOf(server: RedisServer): Promise<string> {
  return await server.admin.cluster("MYID");
}

async function keysIn(client: RedisServer["admin"], slot: number): Promise<string[]> {
  return await client.cluster("GETKEYSINSLOT", slot, 1_000);
}

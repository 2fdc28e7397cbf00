import { untilPasses } from "../support/expectations.js";
import { type RedisServer, type RedisServerOptions, startRedis } from "./redis-servers.js";

const NAME = "mymaster";
/** Less than a test has, so that it fails with a word on what it waits for. */
const TIME_LIMIT = { timeout: 25_000, interval: 25 };
/** Milliseconds. A replica that answered nothing for 3 of the first or 5 of the second is promoted by nobody, so they are no shorter. */
const PERIODS = ["info-period", 500, "ping-period", 1_000, "ask-period", 50, "publish-period", 500];
/** Sentinels that notice at the same time elect nobody, and try again much later: so the test says when. */
const NEVER_BY_THEMSELVES_MS = 600_000;
/** After that long a Sentinel gives up a promotion that does not come about. */
const PROMOTION_TIMEOUT_MS = 4_000;

/** A master with its replicas, and three Sentinels who watch over them. */
export class SentinelSet {
  readonly name = NAME;
  readonly sentinels: readonly RedisServer[];
  readonly servers: readonly RedisServer[];

  constructor(servers: readonly RedisServer[], sentinels: readonly RedisServer[]) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  get addresses(): readonly { readonly host: string; readonly port: number }[] {
    return this.sentinels.map(({ host, port }) => ({ host, port }));
  }

  /** Whom the Sentinels hold for the master now. */
  async master(): Promise<RedisServer> {
    const [, port] = (await this.sentinels[0]!.admin.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)) as [
      string,
      string,
    ];
    return this.servers.find((server) => server.port === Number(port))!;
  }

  /** Kills the master and has another take its place; resolves once all Sentinels agree on another, and it takes writes. */
  async failOver(): Promise<RedisServer> {
    const before = await this.master();
    await this.#untilPromotable(before);
    await before.kill();
    return this.#promoteOther(before);
  }

  /** Has the master change places with a replica, both alive. */
  async switchOver(): Promise<RedisServer> {
    const before = await this.master();
    await this.#untilPromotable(before);
    return this.#promoteOther(before);
  }

  async #untilPromotable(before: RedisServer): Promise<void> {
    await untilFollowed(before, this.servers);
    await untilReplicated(before, this.servers);
    await Promise.all(this.sentinels.map(untilReplicasAreSeen));
  }

  async #promoteOther(before: RedisServer): Promise<RedisServer> {
    return await untilPasses(async () => {
      await this.#orderPromotion(before);
      const ports = await Promise.all(
        this.sentinels.map(async (sentinel) => {
          const [, port] = (await sentinel.admin.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)) as [string, string];
          return Number(port);
        }),
      );
      const master = this.servers.find(({ port }) => port === ports[0]);
      const isAgreed = master !== undefined && master !== before && ports.every((port) => port === master.port);
      if (!isAgreed || !(await master.admin.info("replication")).includes("role:master"))
        throw new Error("no other master yet");
      return master;
    }, TIME_LIMIT);
  }

  /** Does so again where the last was given up: a stall of the machine is enough for that. */
  async #orderPromotion(before: RedisServer): Promise<void> {
    const sentinel = this.sentinels[0]!;
    const known = await masterKnownTo(sentinel);
    if (known["port"] !== String(before.port) || known["flags"]!.includes("failover_in_progress")) return;
    await sentinel.admin.call("SENTINEL", "FAILOVER", NAME);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.stop()));
  }
}

export interface SentinelSetOptions {
  readonly replicas?: number;
  readonly server?: RedisServerOptions;
}

export async function startSentinelSet({ replicas = 1, server = {} }: SentinelSetOptions = {}): Promise<SentinelSet> {
  const master = await startRedis(server);
  const followers = await Promise.all(
    Array.from({ length: replicas }, () => startRedis({ ...server, replicaOf: master })),
  );
  const sentinels = await Promise.all(Array.from({ length: 3 }, () => startRedis({ isSentinel: true })));
  const set = new SentinelSet([master, ...followers], sentinels);
  try {
    await watchOver(set, master, server.password);
  } catch (error) {
    await set.stop();
    throw error;
  }
  return set;
}

async function watchOver(
  { sentinels, servers }: SentinelSet,
  master: RedisServer,
  password: string | undefined,
): Promise<void> {
  await untilFollowed(master, servers);
  await Promise.all(
    sentinels.map(async (sentinel) => {
      const client = sentinel.admin;
      await client.call("SENTINEL", "DEBUG", ...PERIODS);
      await client.call("SENTINEL", "MONITOR", NAME, master.host, master.port, 2);
      await client.call(
        "SENTINEL",
        "SET",
        NAME,
        "down-after-milliseconds",
        NEVER_BY_THEMSELVES_MS,
        "failover-timeout",
        PROMOTION_TIMEOUT_MS,
      );
      if (password !== undefined) await client.call("SENTINEL", "SET", NAME, "auth-pass", password);
    }),
  );
  await Promise.all(
    sentinels.map((sentinel) =>
      untilPasses(async () => {
        const known = await masterKnownTo(sentinel);
        const knowsAll =
          known["num-slaves"] === String(servers.length - 1) &&
          known["num-other-sentinels"] === String(sentinels.length - 1);
        if (!knowsAll) throw new Error("the Sentinels do not know all yet");
      }, TIME_LIMIT),
    ),
  );
}

type Fields = Readonly<Partial<Record<string, string>>>;

function fieldsOf(reply: readonly string[]): Fields {
  return Object.fromEntries(reply.flatMap((name, at) => (at % 2 === 0 ? [[name, reply[at + 1]!]] : [])));
}

async function masterKnownTo(sentinel: RedisServer): Promise<Fields> {
  return fieldsOf((await sentinel.admin.call("SENTINEL", "MASTER", NAME)) as string[]);
}

/** Of replicas that do not follow, no Sentinel makes a master. */
async function untilFollowed(master: RedisServer, servers: readonly RedisServer[]): Promise<void> {
  await untilPasses(async () => {
    const infos = await Promise.all(
      servers.filter((server) => server !== master).map((replica) => replica.admin.info("replication")),
    );
    const isFollowing = (info: string) =>
      info.includes(`master_port:${master.port}\r\n`) && info.includes("master_link_status:up");
    if (!infos.every(isFollowing)) throw new Error("a replica does not follow its master");
  }, TIME_LIMIT);
}

/** A Sentinel that still holds a replica for a master, from the last change of places, takes its promotion back. */
async function untilReplicasAreSeen(sentinel: RedisServer): Promise<void> {
  await untilPasses(async () => {
    const replicas = (await sentinel.admin.call("SENTINEL", "REPLICAS", NAME)) as string[][];
    const areSeen = replicas.map(fieldsOf).every((replica) => replica["role-reported"] === "slave");
    if (!areSeen) throw new Error("a Sentinel holds a replica for a master");
  }, TIME_LIMIT);
}

/** What was written until now: a replica that takes over before it has it all takes some of it away. */
async function untilReplicated({ admin }: RedisServer, servers: readonly RedisServer[]): Promise<void> {
  // Only what the same connection wrote is waited for, so it has to write.
  await admin.set("replicated-up-to-here", "1");
  const replicas = servers.length - 1;
  const acknowledged = Number(await admin.call("WAIT", replicas, TIME_LIMIT.timeout));
  if (acknowledged < replicas) throw new Error(`of ${replicas} replicas ${acknowledged} follow in time`);
}

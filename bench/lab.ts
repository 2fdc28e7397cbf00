import { createHash } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import type { LoadJob, LoadResult } from "./load/load-job.js";
import { type SampleAnswer, sampleAnswers, sampleJsonAnswers } from "./load/sample-answers.js";
import type { Pace } from "./pace.js";
import { LoadGenerator } from "./processes/load-generator.js";
import { buildNativePeer, type NativePeerName, startNativePeer } from "./processes/native-peers.js";
import {
  type MeasuredServer,
  metricOf,
  startCatalogSidecar,
  startConnectAdapter,
  startEcho,
  startSidecar,
} from "./processes/server.js";
import { Upstream } from "./processes/upstream.js";
import { benchCatalog } from "./world/catalog.js";

/** Enough for the customers of a peer whose own cost hides what its cache costs. */
const PEER_CUSTOMERS = 1_000;
const CACHED_EVERY_MS = 500;
const TOKEN = "the-token-of-the-bench";

/** Who is measured beside the sidecar. */
export type PeerName = "echo" | "http-echo" | "grpc-js" | "connect";

/**
 * Everything that benchmarks share, started when it is first asked for: the load generator, upstream, the sidecar
 * with all customers cached, and its peers.
 */
export class Lab {
  readonly pace: Pace;
  /** The Node that servers run on. */
  readonly node: string;
  readonly #ends: (() => Promise<void>)[] = [];
  readonly #made = new Map<string, Promise<unknown>>();
  readonly #peers = new Map<PeerName, Promise<MeasuredServer>>();

  constructor(pace: Pace, node: string) {
    this.pace = pace;
    this.node = node;
  }

  async run(job: LoadJob): Promise<LoadResult> {
    const generator = await this.#once("generator", () => this.owned(LoadGenerator.start()));
    return generator.run(job);
  }

  /** With a load generator that has done nothing before. */
  async withFreshGenerator<T>(use: (generator: LoadGenerator) => Promise<T>): Promise<T> {
    const generator = await this.owned(LoadGenerator.start());
    try {
      return await use(generator);
    } finally {
      await generator.stop();
    }
  }

  /** Stopped with everything else in the end, unless it is before. */
  async owned<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
    const started = await starting;
    this.#ends.push(() => started.stop());
    return started;
  }

  async ownedServer(starting: Promise<MeasuredServer>): Promise<MeasuredServer> {
    const started = await starting;
    this.#ends.push(() => started.child.stop());
    return started;
  }

  upstream(): Promise<Upstream> {
    return this.#once("upstream", () => this.owned(Upstream.start({ customers: this.pace.customers, isShared: true })));
  }

  /** The sidecar with all customers cached. */
  sidecar(): Promise<MeasuredServer> {
    return this.#once("sidecar", async () => {
      const server = await this.ownedServer(startSidecar(this.node, await this.upstream()));
      await this.fill(server);
      return server;
    });
  }

  /** The same, which takes calls with one bearer token alone. */
  guardedSidecar(): Promise<{ readonly server: MeasuredServer; readonly authorization: string }> {
    return this.#once("guarded", async () => {
      const entries = [{ name: "bench", sha256: createHash("sha256").update(TOKEN).digest("hex"), groups: "all" }];
      const file = this.#file("tokens.json", JSON.stringify(entries));
      const server = await this.ownedServer(startSidecar(this.node, await this.upstream(), { AUTH_TOKENS_FILE: file }));
      await this.fill(server);
      return { server, authorization: `Bearer ${TOKEN}` };
    });
  }

  /** A sidecar with a catalog, and usage in memory. */
  catalogSidecar(): Promise<MeasuredServer> {
    return this.#once("catalog", () =>
      this.ownedServer(startCatalogSidecar(this.node, this.#file("catalog.json", JSON.stringify(benchCatalog())))),
    );
  }

  /** Built first, which takes minutes once. @returns why there is none here */
  nativePeer(name: NativePeerName): Promise<MeasuredServer | string> {
    return this.#once(name, async () => {
      if (this.pace.isSmoke) return "as a build takes longer than a smoke run may";
      return buildNativePeer(name) ?? this.ownedServer(startNativePeer(name, await this.#answers()));
    });
  }

  /** Caches all customers in a sidecar; others that follow upstream hear of them too. */
  fill(server: MeasuredServer): Promise<void> {
    return this.fillWith(server, this.pace.customers);
  }

  async fillWith(server: MeasuredServer, customers: number): Promise<void> {
    await (await this.upstream()).sendEntitlements(customers);
    await untilCached(server, customers);
  }

  peer(name: PeerName): Promise<MeasuredServer> {
    let peer = this.#peers.get(name);
    if (peer === undefined) this.#peers.set(name, (peer = this.#startPeer(name)));
    return peer;
  }

  /** One check of each customer, who is cached afterwards in any case. */
  async checkAll(server: MeasuredServer, customers: number): Promise<void> {
    await this.run({
      port: server.grpcPort,
      serverPid: server.child.pid,
      protocol: "grpc",
      connections: 2,
      streams: 4,
      calls: ["any"],
      keys: "each-once",
      customers,
      areAnswersDecoded: true,
      shape: { kind: "once" },
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#ends.map((end) => end()));
  }

  async #startPeer(name: PeerName): Promise<MeasuredServer> {
    if (name === "echo")
      return this.ownedServer(startEcho("node:http2 echo", this.node, "node-http2-echo.js", await this.#answers()));
    if (name === "http-echo") {
      const { jsonPort = 0 } = await this.sidecar();
      return this.ownedServer(
        startEcho("node:http echo", this.node, "node-http-echo.js", await sampleJsonAnswers(jsonPort)),
      );
    }
    if (name === "grpc-js")
      return this.ownedServer(startEcho("@grpc/grpc-js echo", this.node, "grpc-js-echo.js", await this.#answers()));
    const upstream = await this.upstream();
    const server = await this.ownedServer(startConnectAdapter(this.node, upstream));
    await upstream.sendEntitlements(this.customersOf("connect"));
    await this.checkAll(server, this.customersOf("connect"));
    return server;
  }

  /** Where it runs: with a peer that follows upstream, the sidecar would share its core. */
  async stopPeer(name: PeerName): Promise<void> {
    const peer = await this.#peers.get(name);
    this.#peers.delete(name);
    await peer?.child.stop();
  }

  /** How many customers are asked of a peer. */
  customersOf(name: PeerName): number {
    return name === "connect" ? Math.min(PEER_CUSTOMERS, this.pace.customers) : this.pace.customers;
  }

  /** Gone with the lab. @returns its path */
  #file(name: string, content: string): string {
    const directory = mkdtempSync(join(tmpdir(), "bench-"));
    this.#ends.push(() => rm(directory, { recursive: true, force: true }));
    const file = join(directory, name);
    writeFileSync(file, content);
    return file;
  }

  #answers(): Promise<readonly SampleAnswer[]> {
    return this.#once("answers", async () => sampleAnswers((await this.sidecar()).grpcPort));
  }

  #once<T>(name: string, make: () => Promise<T>): Promise<T> {
    let made = this.#made.get(name) as Promise<T> | undefined;
    if (made === undefined) this.#made.set(name, (made = make()));
    return made;
  }
}

/** @throws Error where no more are being cached */
async function untilCached(server: MeasuredServer, customers: number): Promise<void> {
  let [cached, before] = [0, -1];
  while (cached < customers) {
    if (cached === before) throw new Error(`${cached} of ${customers} customers are cached, and no more are coming`);
    before = cached;
    await elapse(CACHED_EVERY_MS);
    cached = await metricOf(server, "sidecar_cache_subjects");
  }
}

import { setTimeout as elapse } from "node:timers/promises";
import { cpuSecondsOf } from "../processes/process-usage.js";
import { GrpcConnection } from "./grpc-connection.js";
import type { Percentiles } from "./histogram.js";
import { JsonConnection } from "./json-connection.js";
import type { LoadConnection } from "./load-connection.js";
import type { LoadJob, LoadResult } from "./load-job.js";
import { RequestSource } from "./request-source.js";
import { Tally } from "./tally.js";

/** How long answers that are still out may take once nothing more is asked. */
const LAST_ANSWERS_MS = 5_000;
const FIRST_ANSWER_MS = 10_000;
/** How long requests of a steady load are gathered before they are sent, as a client with an event loop gathers them. */
const TURN_MS = 0.25;

/** Puts one load on one server. */
export async function runJob(job: LoadJob): Promise<LoadResult> {
  const run = new Run(job);
  await run.open();
  // What was left by the jobs before is not to be collected in the middle of this one: it would count as the server's.
  globalThis.gc?.();
  try {
    return await run.measure();
  } finally {
    run.close();
  }
}

class Run {
  readonly #job: LoadJob;
  readonly #tally: Tally;
  readonly #connections: readonly LoadConnection[];
  #left = Infinity;
  #goesOn = true;
  #longestStallMs = 0;
  readonly #windows: Percentiles[] = [];

  constructor(job: LoadJob) {
    this.#job = job;
    this.#tally = new Tally(job.areAnswersDecoded);
    const source = new RequestSource(job);
    const onSettled =
      job.shape.kind === "steady" ? () => undefined : (connection: LoadConnection) => this.#sendNext(connection);
    const connect = (port: number) =>
      job.protocol === "grpc"
        ? new GrpcConnection(port, source, this.#tally, onSettled, job)
        : new JsonConnection(port, source, this.#tally, onSettled);
    const ports = [job.port, ...(job.otherPorts ?? [])];
    this.#connections = Array.from({ length: job.connections }, (_, index) => connect(ports[index % ports.length]!));
  }

  async open(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.open()));
  }

  async measure(): Promise<LoadResult> {
    const { shape, streams, customers } = this.#job;
    if (shape.kind === "once") {
      this.#left = customers;
      return this.#measured(async () => {
        this.#fill(streams);
        await this.#lastAnswers(Infinity);
      });
    }
    if (shape.kind === "steady") {
      await this.#sendSteadily(shape.perSecond, shape.warmUpMs);
      return this.#measured(async () => {
        for (let window = 0; window < shape.windows; window++) {
          await this.#sendSteadily(shape.perSecond, shape.windowMs);
          this.#windows.push(this.#tally.endWindow());
        }
        await this.#lastAnswers(LAST_ANSWERS_MS);
      });
    }
    this.#fill(streams);
    await elapse(shape.warmUpMs);
    const result = await this.#measured(async () => {
      await elapse(shape.measuredMs);
      await this.#firstAnswer();
    });
    this.#goesOn = false;
    await this.#lastAnswers(LAST_ANSWERS_MS);
    return result;
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #fill(streams: number): void {
    for (const connection of this.#connections) {
      for (let stream = 0; stream < streams; stream++) this.#sendNext(connection);
      connection.flush();
    }
  }

  #sendNext(connection: LoadConnection): void {
    if (!this.#goesOn || this.#left-- <= 0) return;
    connection.send(performance.now());
  }

  /** Without a timer: one of Node's would be late by up to a millisecond, and that would count as the server's. */
  async #sendSteadily(perSecond: number, ms: number): Promise<void> {
    const begun = performance.now();
    const total = Math.floor((perSecond * ms) / 1_000);
    const between = 1_000 / perSecond;
    let sent = 0;
    await new Promise<void>((resolve) => {
      let lastAt = begun;
      let nextTurnAt = begun;
      const sendDue = () => {
        const now = performance.now();
        this.#longestStallMs = Math.max(this.#longestStallMs, now - lastAt);
        lastAt = now;
        if (now < nextTurnAt) {
          setImmediate(sendDue);
          return;
        }
        nextTurnAt = now + TURN_MS;
        const due = Math.min(total, Math.floor((now - begun) / between) + 1);
        while (sent < due) {
          this.#connections[sent % this.#connections.length]!.send(begun + sent * between);
          sent++;
        }
        for (const connection of this.#connections) connection.flush();
        if (sent < total) setImmediate(sendDue);
        else resolve();
      };
      sendDue();
    });
  }

  /** On a busy machine a short measurement may be over before it has begun. */
  async #firstAnswer(): Promise<void> {
    const begun = performance.now();
    while (this.#tally.answers === 0 && this.#tally.errors.size === 0 && performance.now() - begun < FIRST_ANSWER_MS)
      await elapse(5);
  }

  async #lastAnswers(withinMs: number): Promise<void> {
    const begun = performance.now();
    while (this.#connections.some(({ inFlight }) => inFlight > 0)) {
      if (performance.now() - begun > withinMs || this.#tally.errors.has("the connection was lost")) return;
      await elapse(5);
    }
  }

  async #measured(run: () => Promise<void>): Promise<LoadResult> {
    this.#tally.begin();
    this.#longestStallMs = 0;
    const { serverPid } = this.#job;
    const cpu = process.cpuUsage();
    const serverCpu = cpuSecondsOf(serverPid);
    const begun = performance.now();
    await run();
    const ms = performance.now() - begun;
    const { user, system } = process.cpuUsage(cpu);
    const serverCpuSeconds = cpuSecondsOf(serverPid) - serverCpu;
    const { answers, verified, errors } = this.#tally;
    return {
      answers,
      seconds: ms / 1_000,
      serverCpuSeconds,
      perSecond: (answers * 1_000) / ms,
      verified,
      errors: Object.fromEntries(errors),
      latency: this.#tally.latency(),
      windows: this.#windows,
      longestStallMs: this.#longestStallMs,
      generatorBusy: (user + system) / 1_000 / ms,
    };
  }
}

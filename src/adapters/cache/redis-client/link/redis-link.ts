import { type ChainableCommander, type RedisOptions, ReplyError } from "ioredis";
import { CodedError } from "../../../../domain/errors.js";
import { BackOff, type CancelTimer, type Clock, Deadlines } from "../../../../ports/clock.js";
import type { Logger } from "../../../../ports/logger.js";
import type { Telemetry } from "../../../../ports/telemetry.js";
import { CommandBatch, type RedisCommand, type Reply } from "./command-batches.js";
import { LatencyWatch } from "./link-health.js";
import { isReadOnlyAnswer, LinkLog, redisFailure } from "./redis-failure.js";
import { InitialConnect, type LinkTiming, Session } from "./session.js";

export interface LinkDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
  readonly timing: LinkTiming;
  /** How long this process has had nothing to do, in all, milliseconds; not given: its own delays are told by long turns alone. */
  readonly idleMs?: (() => number) | undefined;
}

export interface LinkSettings {
  /** As the log names it. */
  readonly name: string;
  readonly connection: () => RedisOptions;
  /** How long an answer may take before Redis counts as too slow to be asked, milliseconds. */
  readonly commandTimeoutMs: number;
  /** The link is for whoever is master: one that has become a replica is left for another. */
  readonly followsMaster: boolean;
  /** The link is to one of several: what it sends elsewhere is no refusal. */
  readonly isOfCluster?: boolean;
}

/** Commands that are not answered yet, whether anyone still waits for them or not. */
const MAX_UNANSWERED = 10_000;

/**
 * Keeps a connection to one server, or to whoever is master, until it is closed.
 *
 * Never queues: a command without a connection is refused at once, unless the very first attempt to have one is under
 * way. So are commands beyond a number of commands that are not answered yet, and those with a deadline for as long as
 * Redis takes longer than the time limit.
 */
export class RedisLink {
  readonly #settings: LinkSettings;
  readonly #dependencies: LinkDependencies;
  readonly #deadlines: Deadlines;
  readonly #backOff: BackOff;
  readonly #log: LinkLog;
  readonly #firstAttempt: InitialConnect;
  readonly #onChange: () => void;
  #session: Session;
  /** Of the session. */
  #batch!: CommandBatch;
  #watch: LatencyWatch | undefined;
  #readyAt: number | undefined;
  #unanswered = 0;
  /** Whether something was refused that has not been accepted since. */
  #hasRefused = false;
  #isClosed = false;
  #cancelReconnect: CancelTimer | undefined;

  /** @param onChange called whenever `isConnected` may be another */
  constructor(settings: LinkSettings, dependencies: LinkDependencies, onChange: () => void) {
    this.#settings = settings;
    this.#dependencies = dependencies;
    this.#onChange = onChange;
    this.#deadlines = new Deadlines(dependencies.clock);
    this.#backOff = new BackOff(dependencies.timing, dependencies.random);
    this.#log = new LinkLog(settings.name, dependencies.logger, dependencies.telemetry);
    this.#firstAttempt = new InitialConnect(dependencies.clock);
    this.#session = this.#connect();
  }

  get isConnected(): boolean {
    return this.#session.isReady && !this.isSlow;
  }

  /** Whether answers take longer than the time limit for now. */
  get isSlow(): boolean {
    return this.#watch?.isSlow === true;
  }

  /**
   * Sends commands together, in order, and resolves with an answer for each.
   *
   * @param deadline epoch milliseconds; Infinity: an answer counts however late it comes, until the connection ends
   * @param canWait whether it may go with what else this turn of the event loop has for Redis
   * @throws CodedError `unavailable` where not all are answered by then
   */
  async send(
    commands: readonly RedisCommand[],
    deadline: number,
    isWrite = false,
    canWait = isWrite,
  ): Promise<readonly Reply[]> {
    if (!this.#firstAttempt.isOver) await this.#firstAttempt.wait(deadline);
    const session = this.#session;
    this.#refuseUnlessUsable(session, commands.length, deadline);
    const replies = await this.#by(deadline, this.#batch.send(commands, canWait));
    const isRefused = replies.some((reply) => reply instanceof Error);
    if (isRefused && replies.some((reply) => reply instanceof Error && !(reply instanceof ReplyError))) {
      throw new CodedError("unavailable", `the connection to Redis (${this.#settings.name}) was lost`);
    }
    if (isRefused || this.#hasRefused)
      this.#hasRefused = this.#log.answered(commands, replies, isWrite, this.#settings.isOfCluster === true);
    if (isWrite && this.#settings.followsMaster) {
      const refusal = replies.find((reply): reply is Error => isReadOnlyAnswer(reply));
      if (refusal !== undefined) session.end(refusal);
    }
    return replies;
  }

  close(): void {
    this.#isClosed = true;
    this.#watch?.stop();
    this.#cancelReconnect?.();
    this.#log.close();
    this.#session.end(new Error("closed"));
  }

  #refuseUnlessUsable(session: Session, commands: number, deadline: number): void {
    const redis = `Redis (${this.#settings.name})`;
    if (!session.isReady) throw new CodedError("unavailable", `there is no connection to ${redis}`);
    if (this.isSlow && deadline < Infinity)
      throw new CodedError("unavailable", `${redis} does not answer in time, and is not asked for now`);
    if (this.#unanswered + commands <= MAX_UNANSWERED) {
      this.#unanswered += commands;
      return;
    }
    throw new CodedError("unavailable", `${redis} has ${this.#unanswered} commands to answer: no more are sent`);
  }

  async #exec(pipeline: ChainableCommander, commands: number): Promise<readonly Reply[]> {
    const answered = this.#watch?.sent();
    const sentAt = performance.now();
    try {
      const results = (await pipeline.exec()) ?? [];
      return results.map(([error, reply]) => error ?? reply);
    } finally {
      this.#unanswered -= commands;
      this.#dependencies.telemetry.redisRoundTrips.observe(performance.now() - sentAt);
      answered?.();
    }
  }

  /** What comes after the deadline is read, and judged, all the same. */
  #by<T>(deadline: number, answer: Promise<T>): Promise<T> {
    if (deadline === Infinity) return answer;
    return new Promise((resolve, reject) => {
      const late = this.#deadlines.after(Math.ceil(deadline - this.#dependencies.clock.now()), () =>
        reject(new CodedError("unavailable", "Redis did not answer in time")),
      );
      answer.then(resolve, reject).finally(() => this.#deadlines.cancel(late));
    });
  }

  #connect(): Session {
    const { clock, timing, idleMs } = this.#dependencies;
    const session = new Session(this.#settings.connection(), timing, clock, {
      ready: () => {
        this.#readyAt = clock.now();
        this.#watch = new LatencyWatch(
          clock,
          this.#settings.commandTimeoutMs,
          () => session.redis.ping().catch(refusalIsAnswer),
          () => this.#speedChanged(),
          idleMs,
        );
        this.#log.connected();
        this.#firstAttempt.over();
        this.#onChange();
      },
      ended: (reason) => this.#ended(reason),
    });
    this.#batch = new CommandBatch(session.redis, (pipeline, commands) => this.#exec(pipeline, commands));
    return session;
  }

  #ended(reason: Error): void {
    this.#firstAttempt.over();
    this.#watch?.stop();
    this.#watch = undefined;
    if (this.#isClosed) return;
    const { clock, telemetry } = this.#dependencies;
    telemetry.redisClientErrors++;
    this.#log.lost(reason);
    const lastedMs = this.#readyAt === undefined ? 0 : clock.now() - this.#readyAt;
    this.#readyAt = undefined;
    this.#cancelReconnect = clock.after(this.#backOff.nextMs(lastedMs), () => (this.#session = this.#connect()));
    this.#onChange();
  }

  #speedChanged(): void {
    if (this.isSlow) this.#log.tooSlow(this.#settings.commandTimeoutMs);
    else this.#log.inTime();
    this.#onChange();
  }
}

/** What is refused, as to a user who may not ping, or while a script runs for long, is an answer all the same. */
function refusalIsAnswer(error: unknown): void {
  if (!(error instanceof ReplyError)) throw error;
}

/** One call of a command by the application, of however many round trips: within the time limit, counted where it fails. */
export class BoundedCall {
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  readonly #limitMs: number;

  constructor(clock: Clock, telemetry: Telemetry, limitMs: number) {
    this.#clock = clock;
    this.#telemetry = telemetry;
    this.#limitMs = limitMs;
  }

  /**
   * The same without the time limit: an answer counts however late it comes, until the connection ends.
   *
   * @throws CodedError alone
   */
  async runLate<T>(work: (deadline: number) => Promise<T>): Promise<T> {
    try {
      return await work(Infinity);
    } catch (error) {
      this.#telemetry.redisClientErrors++;
      throw redisFailure(error);
    }
  }

  /** @throws CodedError alone */
  async run<T>(work: (deadline: number) => Promise<T>): Promise<T> {
    try {
      return await work(this.#clock.now() + this.#limitMs);
    } catch (error) {
      this.#telemetry.redisClientErrors++;
      throw redisFailure(error);
    }
  }
}

/** @throws what Redis refused a command with */
export function accepted(replies: readonly Reply[]): readonly Reply[] {
  const refusal = replies.find((reply): reply is Error => reply instanceof Error);
  if (refusal !== undefined) throw refusal;
  return replies;
}

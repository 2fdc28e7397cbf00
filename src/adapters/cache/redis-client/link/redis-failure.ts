import { createHash } from "node:crypto";
import { ReplyError } from "ioredis";
import { CodedError, type ErrorCode } from "../../../../domain/errors.js";
import { type Logger, OutageLog } from "../../../../ports/logger.js";
import { DependencyState, type Telemetry } from "../../../../ports/telemetry.js";
import type { RedisCommand, Reply } from "./command-batches.js";

/** The codes of Redis's answers that say "not now" to writes alone. Of all others, reading fails as well. */
const REFUSED_WRITES = ["READONLY", "OOM", "MISCONF", "NOREPLICAS"] as const;

/** Before version 7, a script's error has the code further on. */
const REFUSED_WRITE = new RegExp(`(?:^|-)(?:${REFUSED_WRITES.join("|")}) `);

const REMEDIES: readonly (readonly [answer: RegExp, remedy: string])[] = [
  [/^NOAUTH|^ERR .*AUTH.*no password/, "Redis wants a password: set REDIS_PASSWORD"],
  [/^WRONGPASS/, "Redis does not accept REDIS_USERNAME with REDIS_PASSWORD"],
  [/^NOPERM/, "the user in Redis lacks a permission"],
  [/^ERR DB index/, "Redis has no such database: set another REDIS_DB"],
  [/^ERR .*cluster support disabled/, "this Redis is no Cluster: set REDIS_HOST in place of REDIS_CLUSTER_NODES"],
  [/^MOVED/, "this Redis is a Cluster: set REDIS_CLUSTER_NODES in place of REDIS_HOST"],
  [
    /self-signed|unable to (?:get|verify)|certificate/i,
    "Redis's certificate cannot be verified: set REDIS_TLS_CA_FILE to its authority",
  ],
];

/** What the caller of a command gets to know. */
export function redisFailure(cause: unknown): CodedError {
  if (cause instanceof CodedError) return cause;
  const code: ErrorCode = isRefusedWrite(cause) ? "failed-precondition" : "unavailable";
  // The library hangs the whole command on what Redis answered: values, customers, tokens.
  return new CodedError(code, reasonOf(cause), cause instanceof ReplyError ? undefined : { cause });
}

export function isRefusedWrite(error: unknown): boolean {
  return error instanceof Error && REFUSED_WRITE.test(error.message);
}

/** In a script the reason comes further on, and before version 7 in other words. */
const FORBIDDEN =
  /^NOPERM|^ERR unknown command|ACL failure in script|can't run this command|Unknown Redis command called from/;

/** Whether the user may not run a command, or nobody may. */
export function isForbidden(reply: unknown): reply is Error {
  return reply instanceof Error && FORBIDDEN.test(reply.message);
}

/** A replica's answer to a write: with a master that changes, a sign that this one no longer is. */
export function isReadOnlyAnswer(error: unknown): boolean {
  return error instanceof Error && /(?:^|-)READONLY /.test(error.message);
}

/** Why something failed, with the remedy where there is one; never with what was sent. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "Redis failed";
  const remedy = remedyFor(error);
  return remedy === undefined ? error.message : `${remedy} (${error.message})`;
}

/** What the operator can do; undefined where nothing but time helps. */
export function remedyFor({ message }: Error): string | undefined {
  return REMEDIES.find(([answer]) => answer.test(message))?.[1];
}

const LOST = "lost";

/** What keeps Redis from every write, or from those that take room: that another is accepted does not say that it is over. */
const EVERY_WRITE = "";
const TAKES_ROOM: ReadonlySet<string> = new Set(["SET", "ZADD", "EXEC"]);

/** One line for each change of state of a connection, however many commands and attempts it takes to see it. */
export class LinkLog {
  readonly #redis: string;
  readonly #state: DependencyState;
  readonly #writesState: DependencyState;
  readonly #connection: OutageLog;
  readonly #speed: OutageLog;
  readonly #reads: OutageLog;
  readonly #writes: OutageLog;
  readonly #refusedWrites = new Set<string>();
  /** What was sent where every write is refused. */
  readonly #refusedForAll = new Set<string>();
  readonly #others: OutageLog;
  readonly #forbidden = new Set<string>();

  constructor(redis: string, logger: Logger, telemetry: Telemetry) {
    this.#redis = redis;
    this.#state = new DependencyState("redis", telemetry.dependencies);
    this.#connection = new OutageLog(logger, this.#state);
    this.#speed = new OutageLog(logger, this.#state);
    this.#reads = new OutageLog(logger, this.#state);
    this.#writesState = new DependencyState("redis_writes", telemetry.dependencies);
    this.#writes = new OutageLog(logger, this.#writesState);
    this.#others = new OutageLog(logger);
  }

  connected(): void {
    // Another connection is judged by its own answers.
    if (this.#speed.isLost) this.#speed.forget();
    // It may be long until there is something to write.
    if (!this.#writes.isLost) this.#writesState.set(true);
    this.#connection.recovered("connected to Redis", { redis: this.#redis });
  }

  /** Attempts that fail later on are the same state, unless their reason is one that only the operator can end. */
  lost(error: Error): void {
    const kind = remedyFor(error) ?? LOST;
    this.#state.set(false, reasonOf(error));
    if (this.#connection.isLost && (kind === LOST || this.#connection.hasLogged(kind))) return;
    this.#connection.lost(
      "warn",
      "there is no connection to Redis",
      { redis: this.#redis, reason: reasonOf(error) },
      kind,
    );
  }

  tooSlow(limitMs: number): void {
    this.#speed.lost(
      "warn",
      "Redis does not answer in time: upstream is asked beside it, and nothing is written to it for now",
      { redis: this.#redis, limitMs },
    );
  }

  inTime(): void {
    if (this.#speed.isLost) this.#speed.recovered("Redis answers in time again", { redis: this.#redis });
  }

  /**
   * What Redis answered to commands that were sent together. It is one refusal however many commands meet it, and ends once a
   * command that met it is accepted.
   *
   * @param isWrite whether those of them that do not read write
   * @returns whether something is refused that has not been accepted since
   */
  answered(
    commands: readonly RedisCommand[],
    replies: readonly Reply[],
    isWrite: boolean,
    isOfCluster: boolean,
  ): boolean {
    for (let index = 0; index < commands.length; index++) {
      const command = commands[index] as RedisCommand;
      const reply = replies[index];
      const isRead = command[0] === "MGET" || command[0] === "GET";
      if (reply instanceof Error) {
        if (isRead) {
          if (!isOfCluster || !isSentElsewhere(reply)) this.#refusesReads(reply);
        } else if (isWrite && isRefusedWrite(reply)) {
          this.#refusedForAll.add(kindOf(command));
          this.#refusesWrites(reply, EVERY_WRITE);
        } else if (isForbidden(reply) && !isOfOtherWays(reply)) {
          if (isWrite) this.#refusesWrites(reply, kindOf(command));
          else this.#forbids(reply, kindOf(command));
        }
      } else if (isRead) this.#acceptsReads();
      else if (isWrite) this.#acceptsWrites(command, reply);
      else this.#allows(command);
    }
    return this.#reads.isLost || this.#writes.isLost || this.#others.isLost;
  }

  #refusesReads(error: Error): void {
    const reason = reasonOf(error);
    this.#reads.lost(
      "warn",
      "Redis refuses reads: what it has is not used, and upstream is asked instead",
      { redis: this.#redis, reason },
      remedyFor(error) ?? LOST,
    );
  }

  #acceptsReads(): void {
    if (this.#reads.isLost) this.#reads.recovered("Redis accepts reads again", { redis: this.#redis });
  }

  #refusesWrites(error: Error, kind: string): void {
    this.#refusedWrites.add(kind);
    this.#writes.lost("warn", "Redis refuses writes; what it has is still read", {
      redis: this.#redis,
      reason: reasonOf(error),
    });
  }

  #acceptsWrites(command: RedisCommand, reply: Reply): void {
    if (!this.#writes.isLost) return;
    const kind = kindOf(command);
    this.#refusedWrites.delete(kind);
    if (reply !== "QUEUED" && (TAKES_ROOM.has(kind) || this.#refusedForAll.has(kind)))
      this.#refusedWrites.delete(EVERY_WRITE);
    if (this.#refusedWrites.size > 0) return;
    this.#refusedForAll.clear();
    this.#writes.recovered("Redis accepts writes again", { redis: this.#redis });
  }

  #forbids(error: Error, kind: string): void {
    this.#forbidden.add(kind);
    this.#others.lost(
      "warn",
      "Redis forbids a command to this user: what needs it is done without, or later",
      { redis: this.#redis, reason: reasonOf(error) },
      kind,
    );
  }

  #allows(command: RedisCommand): void {
    if (!this.#others.isLost || !this.#forbidden.delete(kindOf(command)) || this.#forbidden.size > 0) return;
    this.#others.recovered("Redis allows all commands again", { redis: this.#redis });
  }

  close(): void {
    this.#state.release();
    this.#writesState.release();
  }
}

/** A script is known by its digest, also where its text is sent. */
function kindOf([name, script]: RedisCommand): string {
  if (name === "EVALSHA") return String(script);
  return name === "EVAL" ? createHash("sha1").update(String(script)).digest("hex") : name;
}

function isSentElsewhere({ message }: Error): boolean {
  return /^(?:MOVED|ASK|TRYAGAIN)\b/.test(message);
}

/** A forbidden script or transaction is no refused write yet: there are other ways. */
function isOfOtherWays({ message }: Error): boolean {
  return /'(?:eval|evalsha|watch|unwatch|multi|exec)'/i.test(message);
}

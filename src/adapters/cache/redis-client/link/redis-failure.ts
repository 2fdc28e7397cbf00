import { ReplyError } from "ioredis";
import { CodedError, type ErrorCode } from "../../../../domain/errors.js";

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

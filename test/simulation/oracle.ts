import { type Upstream, type Version } from "./servers/upstream.js";

export interface Violation {
  readonly rule: string;
  /** Milliseconds of virtual time. */
  readonly at: number;
  readonly what: string;
}

/** One check and what was said. */
export interface CheckAnswer {
  readonly sidecar: string;
  /** Which run of it: what a process knew ends with it. */
  readonly run: string;
  readonly customer: number;
  readonly source: string;
  readonly isGranted: boolean;
  /** Undefined: a fallback. */
  readonly version: number | undefined;
  readonly askedAt: number;
  readonly answeredAt: number;
  /** Whether Redis had the state when it was asked for, and could be reached all the time. */
  readonly isInRedis: boolean;
  /** Whether nothing was wrong but that very many asked at once. */
  readonly isOnlyBusy: boolean;
}

/** By class of fault, what callers met. */
export interface Tally {
  checks: number;
  fallbacks: number;
  /** Those by fallback included. */
  wrongDenials: number;
  deniedByFallback: number;
  wrongGrants: number;
  longestWrongGrantMs: number;
  longestWrongDenialMs: number;
  /** Of both, of answers that were not said to be stale. */
  longestVouchedMs: number;
  /** The longest that a caller waited for an answer, milliseconds. */
  slowestMs: number;
}

export function newTally(): Tally {
  return {
    checks: 0,
    fallbacks: 0,
    wrongDenials: 0,
    deniedByFallback: 0,
    wrongGrants: 0,
    longestWrongGrantMs: 0,
    longestWrongDenialMs: 0,
    longestVouchedMs: 0,
    slowestMs: 0,
  };
}

export interface OracleTimes {
  /** How long after a change an answer may be from before it while nothing fails, milliseconds. */
  readonly freshMs: number;
  /** The age from which a state is verified again, with what that takes. */
  readonly maxAgeMs: number;
  /** How long what was asked for may be on its way, milliseconds. */
  readonly lateMs: number;
}

/** Of so many checks, when very many ask at once, may be answered by fallback although Redis has the state. */
const FALLBACK_SHARE = 0.1;

/** After Redis is back, those who have heard more have told it within this, milliseconds. */
const REPAIRED_MS = 60_000;

/** What is said to be stale is asked for within this while all is well, milliseconds. */
const FOUND_MS = 10_000;

/** Judges every answer by the truth at its time, which alone it knows. */
export class Oracle {
  readonly violations: Violation[] = [];
  readonly tallies = new Map<string, Tally>();
  readonly #upstream: Upstream;
  readonly #times: OracleTimes;
  /** By run and customer, when it was first answered by fallback although Redis had the state. */
  readonly #inVain = new Map<string, number>();
  /** By run, how many were asked for while very many asked at once and Redis had the state, and how many were answered by fallback. */
  readonly #busy = new Map<string, { asked: number; fallbacks: number; at: number }>();
  /** By run and customer, the highest version that was answered, when an old one was first served, and first said to be stale. */
  readonly #answered = new Map<
    string,
    { version: number; at: number; staleSince: number | undefined; toldSince: number | undefined }
  >();

  constructor(upstream: Upstream, times: OracleTimes) {
    this.#upstream = upstream;
    this.#times = times;
  }

  violate(rule: string, at: number, what: string): void {
    this.violations.push({ rule, at, what });
  }

  /**
   * @param faultClass under which it is counted
   * @param quietSince since when nothing fails that could concern the sidecar; undefined: something does
   */
  judge(answer: CheckAnswer, faultClass: string, quietSince: number | undefined): void {
    const tally = this.tallies.get(faultClass) ?? newTally();
    this.tallies.set(faultClass, tally);
    tally.checks++;
    tally.slowestMs = Math.max(tally.slowestMs, answer.answeredAt - answer.askedAt);
    const versions = this.#upstream.versionsOf(answer.customer);
    const key = `${answer.run} ${answer.customer}`;
    if (answer.isOnlyBusy && answer.isInRedis) {
      const busy = this.#busy.get(answer.run) ?? { asked: 0, fallbacks: 0, at: answer.answeredAt };
      busy.asked++;
      busy.fallbacks += Number(answer.version === undefined);
      this.#busy.set(answer.run, busy);
    }
    if (answer.version !== undefined) this.#inVain.delete(key);
    if (answer.version === undefined) this.#judgeFallback(answer, tally, key, quietSince);
    else this.#judgeVersion(answer, answer.version, versions, tally, key, quietSince);
  }

  /** Once at the end. */
  judgeBusyTimes(): void {
    for (const [run, { asked, fallbacks, at }] of this.#busy) {
      if (asked >= 500 && fallbacks > asked * FALLBACK_SHARE)
        this.violate(
          "much-to-do-is-no-outage",
          at,
          `${run} answers ${fallbacks} of ${asked} checks by fallback, while Redis has the states and works`,
        );
    }
  }

  #judgeFallback(answer: CheckAnswer, tally: Tally, key: string, quietSince: number | undefined): void {
    tally.fallbacks++;
    const isWrong = Number(this.#upstream.versionsOf(answer.customer).at(-1)?.isGranted === true);
    tally.wrongDenials += isWrong;
    tally.deniedByFallback += isWrong;
    const inVainSince = answer.isInRedis ? (this.#inVain.get(key) ?? answer.askedAt) : undefined;
    if (inVainSince === undefined) this.#inVain.delete(key);
    else this.#inVain.set(key, inVainSince);
    if (inVainSince !== undefined && answer.askedAt - inVainSince > this.#times.lateMs) {
      this.violate(
        "a-late-answer-is-kept",
        answer.answeredAt,
        `${answer.run} denies customer ${answer.customer} by fallback, as ${Math.round(answer.askedAt - inVainSince)} ms before, and Redis has had the state all the time`,
      );
    }
    if (this.#answered.has(key))
      this.violate(
        "known-is-not-forgotten",
        answer.answeredAt,
        `${answer.run} denies customer ${answer.customer} by fallback, which it has answered for`,
      );
    else if (quietSince !== undefined && answer.askedAt - quietSince > this.#times.freshMs) {
      this.violate(
        "nothing-fails-no-fallback",
        answer.answeredAt,
        `${answer.run} answers customer ${answer.customer} by fallback while everything works`,
      );
    }
  }

  #judgeVersion(
    answer: CheckAnswer,
    version: number,
    versions: readonly Version[],
    tally: Tally,
    key: string,
    quietSince: number | undefined,
  ): void {
    const before = this.#answered.get(key);
    if (before !== undefined && version < before.version) {
      this.violate(
        "never-goes-back",
        answer.answeredAt,
        `${answer.run} answers customer ${answer.customer} by version ${version} (${answer.source}) after version ${before.version}`,
      );
    }
    const received = this.#upstream.versionOf(answer.customer, version);
    if (received !== undefined && received.isGranted !== answer.isGranted) {
      this.violate(
        "decides-by-the-state",
        answer.answeredAt,
        `${answer.run} answers ${answer.isGranted} for version ${version} of customer ${answer.customer}`,
      );
    }
    const next = this.#upstream.versionOf(answer.customer, version + 1);
    const replacedAt = next === undefined ? undefined : this.#upstream.timeOf(next);
    const staleMs = replacedAt === undefined || replacedAt > answer.askedAt ? 0 : answer.askedAt - replacedAt;
    const isWrong = staleMs > 0 && versions.at(-1)?.isGranted !== answer.isGranted;
    if (isWrong && answer.source !== "stale") tally.longestVouchedMs = Math.max(tally.longestVouchedMs, staleMs);
    if (isWrong && answer.isGranted) {
      tally.wrongGrants++;
      tally.longestWrongGrantMs = Math.max(tally.longestWrongGrantMs, staleMs);
    } else if (isWrong) {
      tally.wrongDenials++;
      tally.longestWrongDenialMs = Math.max(tally.longestWrongDenialMs, staleMs);
    }
    const staleSince =
      staleMs > 0
        ? before?.version === version
          ? (before.staleSince ?? answer.answeredAt)
          : answer.answeredAt
        : undefined;
    const toldBefore = before?.version === version ? before.toldSince : undefined;
    const toldSince =
      staleMs > 0 ? (toldBefore ?? (answer.source === "stale" ? answer.answeredAt : undefined)) : undefined;
    if (
      next?.isHeard === true &&
      staleMs > this.#times.freshMs &&
      quietSince !== undefined &&
      answer.askedAt - quietSince > REPAIRED_MS
    ) {
      this.violate(
        "what-redis-was-not-told-is-repaired",
        answer.answeredAt,
        `${answer.run} answers customer ${answer.customer} by version ${version} (${answer.source}), replaced ${Math.round(staleMs)} ms ago, which others have heard of`,
      );
    }
    this.#judgeStaleness(answer, version, staleMs, { staleSince, toldSince }, quietSince);
    this.#answered.set(key, {
      version: Math.max(version, before?.version ?? 0),
      at: answer.answeredAt,
      staleSince,
      toldSince,
    });
  }

  /**
   * @param staleSince when the sidecar was first asked while its version was replaced already: from then on it could know
   * @param toldSince when it first said that nothing vouches for that version: it asks for it behind that answer
   */
  #judgeStaleness(
    answer: CheckAnswer,
    version: number,
    staleMs: number,
    { staleSince, toldSince }: { staleSince: number | undefined; toldSince: number | undefined },
    quietSince: number | undefined,
  ): void {
    if (staleSince === undefined || quietSince === undefined) return;
    const { freshMs, maxAgeMs } = this.#times;
    const quietMs = answer.askedAt - quietSince;
    const what = `${answer.run} answers customer ${answer.customer} by version ${version} (${answer.source}), replaced ${Math.round(staleMs)} ms ago`;
    // A change that happened while all was well is heard at once.
    if (quietMs - staleMs > freshMs && staleMs > freshMs) this.violate("a-change-is-heard", answer.answeredAt, what);
    // What was missed is found by whoever asks for it again, at the latest when it is old: whose answer is the last from before
    // says that it is stale.
    else if (
      quietMs > maxAgeMs &&
      answer.askedAt - Math.max(staleSince, quietSince) > maxAgeMs &&
      (answer.source !== "stale" || answer.askedAt - (toldSince ?? answer.askedAt) > FOUND_MS)
    )
      this.violate("what-was-missed-is-found", answer.answeredAt, what);
  }
}

/** What an answer says of the state that it was decided on. */
export function versionOf(usageLimit: number | undefined): number | undefined {
  return usageLimit === undefined ? undefined : usageLimit % 1_000_000;
}

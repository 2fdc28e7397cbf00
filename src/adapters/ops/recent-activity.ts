import type { Change } from "../../domain/change.js";
import type { Subject } from "../../domain/subject.js";
import type { UpdateListener } from "../../ports/change-sources.js";
import type { DecisionLog, LoggedDecision } from "../../ports/checks.js";
import type { Clock } from "../../ports/clock.js";

/** How many are kept. */
const KEPT = 50;

export interface RecentDenial extends LoggedDecision {
  readonly at: number;
}

/** The latest denials, for whoever looks at the service. */
export class RecentDenials implements DecisionLog {
  readonly #denials: Latest<LoggedDecision>;

  constructor(clock: Clock) {
    this.#denials = new Latest(clock);
  }

  write(decision: LoggedDecision): undefined {
    this.#denials.add(decision);
    return undefined;
  }

  /** The latest first. */
  get latest(): readonly RecentDenial[] {
    return this.#denials.all;
  }
}

/** A change that was heard. */
export interface RecentChange {
  readonly at: number;
  /** What upstream said, `written-to-redis`: somebody wrote the subject's state there, or what became of the stream itself. */
  readonly type: Change["type"] | "written-to-redis" | "stream-connected" | "stream-lost";
  /** Not given: it concerns all, or none. */
  readonly customerId?: string;
  readonly resourceId?: string | undefined;
  /** Of the feature or the currency. */
  readonly entitlement?: string;
}

/** The latest changes, for whoever looks at the service. */
export class RecentChanges {
  readonly #changes: Latest<Omit<RecentChange, "at">>;

  constructor(clock: Clock) {
    this.#changes = new Latest(clock);
  }

  /** A listener that passes on what it hears, as it hears it. */
  before(listener: UpdateListener): UpdateListener {
    return {
      connected: () => {
        this.#changes.add({ type: "stream-connected" });
        listener.connected();
      },
      changed: (change) => {
        this.#changes.add(described(change));
        listener.changed(change);
      },
      disconnected: () => {
        this.#changes.add({ type: "stream-lost" });
        listener.disconnected();
      },
    };
  }

  readonly writtenToRedis = ({ customerId, resourceId }: Subject): void => {
    const last = this.#changes.last;
    // One write of a state is one of several keys.
    if (last?.type === "written-to-redis" && last.customerId === customerId && last.resourceId === resourceId) return;
    this.#changes.add({ type: "written-to-redis", customerId, resourceId });
  };

  /** The latest first. */
  get latest(): readonly RecentChange[] {
    return this.#changes.all;
  }
}

function described(change: Change): Omit<RecentChange, "at"> {
  switch (change.type) {
    case "package-published":
      return { type: change.type };
    case "entitlements-updated":
    case "subject-invalidated":
      return { type: change.type, ...change.subject };
    case "usage-updated":
      return { type: change.type, ...change.subject, entitlement: change.entitlement.id };
  }
}

/** The latest of what happens, for whoever looks at the service, each with when it happened, epoch milliseconds. */
class Latest<T extends object> {
  readonly #clock: Clock;
  readonly #kept: (T & { readonly at: number })[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(event: T): void {
    this.#kept.push({ ...event, at: this.#clock.now() });
    if (this.#kept.length > KEPT) this.#kept.shift();
  }

  get last(): T | undefined {
    return this.#kept.at(-1);
  }

  /** The latest first. */
  get all(): readonly (T & { readonly at: number })[] {
    return [...this.#kept].reverse();
  }
}

import type { Change } from "../../domain/change.js";
import type { Subject } from "../../domain/subject.js";
import type { Clock } from "../../ports/clock.js";
import type { UpdateListener } from "../../ports/update-stream.js";

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

/** How many are kept. */
const KEPT = 50;

/** The latest changes, for whoever looks at the service. */
export class RecentChanges {
  readonly #clock: Clock;
  readonly #kept: RecentChange[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A listener that passes on what it hears, as it hears it. */
  before(listener: UpdateListener): UpdateListener {
    return {
      connected: () => {
        this.#keep({ type: "stream-connected" });
        listener.connected();
      },
      changed: (change) => {
        this.#keep(described(change));
        listener.changed(change);
      },
      disconnected: () => {
        this.#keep({ type: "stream-lost" });
        listener.disconnected();
      },
    };
  }

  readonly writtenToRedis = ({ customerId, resourceId }: Subject): void => {
    const last = this.#kept.at(-1);
    // One write of a state is one of several keys.
    if (last?.type === "written-to-redis" && last.customerId === customerId && last.resourceId === resourceId) return;
    this.#keep({ type: "written-to-redis", customerId, resourceId });
  };

  /** The latest first. */
  get latest(): readonly RecentChange[] {
    return [...this.#kept].reverse();
  }

  #keep(change: Omit<RecentChange, "at">): void {
    this.#kept.push({ ...change, at: this.#clock.now() });
    if (this.#kept.length > KEPT) this.#kept.shift();
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

import type { IncomingHttpHeaders } from "node:http";
import type { UsageEvent, UsageReport } from "../../domain/usage/usage-report.js";

/** How many of the last requests and reports are remembered one by one; beyond it the oldest are forgotten. */
const MAX_REMEMBERED = 10_000;

export type HttpTarget = "edge" | "api";

export interface SeenRequest {
  readonly target: HttpTarget;
  /** Name of the GraphQL operation, or the file that was asked of Edge. */
  readonly operation: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** A report that arrived, whether or not it was then counted or answered. */
export type SeenReport =
  | { readonly type: "usage"; readonly operation: "ReportUsage" | "ReportUsageBulk"; readonly report: UsageReport }
  | { readonly type: "event"; readonly operation: "ReportEvent"; readonly event: UsageEvent };

export class TargetCounts {
  requests = 0;
  inFlight = 0;
  /** The most requests that were ever unanswered at one point in time. */
  maxInFlight = 0;
  readonly byOperation = new Map<string, number>();
}

/** What the emulator has seen, for tests to read and to wait for. */
export class EmulatorStats {
  readonly edge = new TargetCounts();
  readonly api = new TargetCounts();
  /** Both of them together. */
  readonly http = new TargetCounts();
  /** WebSockets that are open, and how many were ever asked for. */
  sockets = 0;
  upgrades = 0;
  /** Sockets closed because their client did not read. */
  overruns = 0;
  /** Sockets and requests refused for their API key. */
  refusedKeys = 0;
  /** Subscriptions that run, by the field that they select. */
  readonly subscriptions = new Map<string, number>();
  /** Events handed to subscriptions, by the field that they select. */
  readonly events = new Map<string, number>();
  readonly requests: SeenRequest[] = [];
  readonly reports: SeenReport[] = [];
  readonly #waiting = new Set<() => void>();

  /** @returns to be called once, when the request is over */
  requestBegins(request: SeenRequest): () => void {
    const counts = [this[request.target], this.http];
    for (const each of counts) {
      each.requests += 1;
      each.inFlight += 1;
      each.maxInFlight = Math.max(each.maxInFlight, each.inFlight);
      increment(each.byOperation, request.operation, 1);
    }
    remember(this.requests, request);
    this.#changed();
    return () => {
      for (const each of counts) each.inFlight -= 1;
      this.#changed();
    };
  }

  reportArrives(report: SeenReport): void {
    remember(this.reports, report);
    this.#changed();
  }

  count(counter: "sockets" | "upgrades" | "overruns" | "refusedKeys", by = 1): void {
    this[counter] += by;
    this.#changed();
  }

  countOf(table: "subscriptions" | "events", field: string, by = 1): void {
    increment(this[table], field, by);
    this.#changed();
  }

  /** Resolves as soon as this holds, which is looked at whenever something is counted. */
  until(holds: (stats: EmulatorStats) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!holds(this)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Begins anew to look for the highest numbers. */
  forgetMaxima(): void {
    for (const each of [this.edge, this.api, this.http]) each.maxInFlight = each.inFlight;
  }

  #changed(): void {
    for (const look of this.#waiting) look();
  }
}

function increment(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function remember<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > MAX_REMEMBERED) list.splice(0, list.length - MAX_REMEMBERED);
}

import type { Source } from "../../bootstrap/source/source.js";
import { CodedError } from "../../domain/errors.js";
import type { UsageEvent, UsageReport } from "../../domain/usage/usage-report.js";
import type { UpdateListener, UpdateStream } from "../../ports/change-sources.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";
import type { RecordedReport } from "./recorded-report.js";

/** A source that remembers what was reported, and that can be cut off as if the network were. */
export class ObservedSource {
  readonly source: Source;
  readonly #inner: Source;
  #reports: RecordedReport[] = [];
  #isOffline = false;
  #listener: UpdateListener | undefined;

  constructor(inner: Source) {
    this.#inner = inner;
    this.source = { ...inner, upstream: this.#upstream(), stream: this.#stream() };
  }

  get reports(): readonly RecordedReport[] {
    return this.#reports;
  }

  goOffline(): void {
    if (this.#isOffline) return;
    this.#isOffline = true;
    this.#listener?.disconnected();
  }

  goOnline(): void {
    if (!this.#isOffline) return;
    this.#isOffline = false;
    this.#listener?.connected();
  }

  #upstream(): UpstreamClient {
    const { upstream } = this.#inner;
    const record = (...reports: readonly RecordedReport[]) => this.#reports.push(...reports);
    return {
      fetchState: async (subject, options) => {
        this.#checkOnline();
        return upstream.fetchState(subject, options);
      },
      reportUsage: async (report, options) => {
        this.#checkOnline();
        const measurement = await upstream.reportUsage(report, options);
        record(usageOf(report));
        return measurement;
      },
      reportUsageBulk: async (reports, options) => {
        this.#checkOnline();
        const measurements = await upstream.reportUsageBulk(reports, options);
        record(...reports.map(usageOf));
        return measurements;
      },
      reportEvents: async (events, options) => {
        this.#checkOnline();
        await upstream.reportEvents(events, options);
        record(...events.map(eventOf));
      },
    };
  }

  /** What changes while it is offline is missed, as with a network that is gone. */
  #stream(): UpdateStream {
    const { stream } = this.#inner;
    return {
      start: (listener) => {
        this.#listener = listener;
        stream.start({
          connected: () => listener.connected(),
          disconnected: () => listener.disconnected(),
          changed: (change) => {
            if (!this.#isOffline) listener.changed(change);
          },
        });
      },
      stop: () => stream.stop(),
    };
  }

  #checkOnline(): void {
    if (this.#isOffline)
      throw new CodedError("unavailable", "upstream cannot be reached: the test has called goOffline()");
  }
}

function usageOf({ subject, featureId, value, updateBehavior, dimensions }: UsageReport): RecordedReport {
  const { customerId, resourceId } = subject;
  return {
    type: "usage",
    customerId,
    resourceId,
    featureId,
    value,
    updateBehavior,
    dimensions: Object.fromEntries(dimensions),
  };
}

function eventOf({ subject, eventName, idempotencyKey, dimensions }: UsageEvent): RecordedReport {
  const { customerId, resourceId } = subject;
  return {
    type: "event",
    customerId,
    resourceId,
    eventName,
    idempotencyKey,
    dimensions: Object.fromEntries(dimensions),
  };
}

import { inSpan, type Tracer } from "../../ports/tracer.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";

/**
 * The same upstream, with each delivery from the outbox traced by itself: it is no part of the calls that brought its
 * reports, which have been answered, and it may bring those of many.
 */
export function traceDeliveries(upstream: UpstreamClient, tracer: Tracer | undefined): UpstreamClient {
  if (tracer === undefined) return upstream;
  const started = (count: number) =>
    tracer.start("deliver reports", "internal", undefined, { "entitlement.reports": count });
  return {
    fetchState: (subject, options) => upstream.fetchState(subject, options),
    reportUsage(report, options) {
      const span = started(1);
      return inSpan(span, upstream.reportUsage(report, { ...options, span }));
    },
    reportUsageBulk(bulk, options) {
      const span = started(bulk.length);
      return inSpan(span, upstream.reportUsageBulk(bulk, { ...options, span }));
    },
    reportEvents(events, options) {
      const span = started(events.length);
      return inSpan(span, upstream.reportEvents(events, { ...options, span }));
    },
  };
}

import { AcceptReports } from "../../application/report/accept-reports.js";
import { DeliverReports } from "../../application/report/deliver-reports.js";
import { RememberMeasurements } from "../../application/report/remember-measurements.js";
import { ReportEvents, ReportUsage } from "../../application/report/report-usage.js";
import { SharePending } from "../../application/report/share-pending.js";
import { traceDeliveries } from "../../application/report/trace-deliveries.js";
import { UsageOverlay } from "../../application/report/usage-overlay.js";
import { WatchOutbox } from "../../application/report/watch-outbox.js";
import type { Provide } from "../process/provide.js";
import type { Foundations } from "./foundations.js";
import { TOKENS } from "./tokens.js";

/** Reports go to upstream and wait for its answer; with an outbox they are accepted first, and delivered from there. */
export function provideReports(provide: Provide, { outbox: opened, cache, telemetry, tracer }: Foundations): void {
  provide(
    TOKENS.measurements,
    (made) =>
      new RememberMeasurements(
        made.get(TOKENS.cache),
        made.get(TOKENS.loadState),
        made.get(TOKENS.clock),
        made.get(TOKENS.logger),
      ),
  );
  provide(TOKENS.sharedPending, () => opened && cache?.pending(opened.outbox.id));
  provide(TOKENS.overlay, (made) => opened && new UsageOverlay(opened.outbox.state, made.get(TOKENS.sharedPending)));
  provide(TOKENS.sharePending, (made) => {
    const shared = made.get(TOKENS.sharedPending);
    if (opened === undefined || shared === undefined) return undefined;
    return new SharePending(opened.outbox.state, shared, made.get(TOKENS.clock), made.get(TOKENS.logger));
  });
  provide(TOKENS.deliverReports, (made) => {
    if (opened === undefined) return undefined;
    return new DeliverReports({
      outbox: opened.outbox,
      limits: opened.limits,
      upstream: traceDeliveries(made.get(TOKENS.upstream), tracer),
      clock: made.get(TOKENS.clock),
      logger: made.get(TOKENS.logger),
      remember: (measurements) => made.get(TOKENS.measurements).rememberOrAsk(measurements),
      isUpstreamDown: () => telemetry.openBreakers.get("api") === true,
      random: Math.random,
    });
  });
  provide(
    TOKENS.watchOutbox,
    (made) => opened && new WatchOutbox(opened.outbox, made.get(TOKENS.clock), made.get(TOKENS.logger)),
  );
  provide(TOKENS.acceptReports, (made) => {
    if (opened === undefined) return undefined;
    const deliver = made.get(TOKENS.deliverReports);
    return new AcceptReports(opened.outbox, made.get(TOKENS.cache), made.get(TOKENS.clock), () => deliver?.wake());
  });
  provide(
    TOKENS.reportUsage,
    (made) =>
      made.get(TOKENS.acceptReports) ??
      new ReportUsage(
        made.get(TOKENS.upstream),
        made.get(TOKENS.cache),
        made.get(TOKENS.loadState),
        made.get(TOKENS.clock),
        made.get(TOKENS.logger),
      ),
  );
  provide(TOKENS.reportEvents, (made) => {
    const accept = made.get(TOKENS.acceptReports);
    if (accept === undefined)
      return new ReportEvents(made.get(TOKENS.upstream), made.get(TOKENS.clock), made.get(TOKENS.logger));
    return { report: (events) => accept.reportEvents(events) };
  });
}

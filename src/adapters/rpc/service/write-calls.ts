import type { ReloadEntitlements } from "../../../application/refresh/reload-entitlements.js";
import type { EventReporting, UsageReporting } from "../../../application/report/reporting.js";
import type { UsageMeasurement, UsageState } from "../../../domain/usage/usage-report.js";
import type { AnswerEncoders, Answers } from "../answers/answer-encoders.js";
import type {
  ReloadEntitlementsRequest,
  ReportEventsRequest,
  ReportUsageBulkRequest,
  ReportUsageRequest,
} from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { checkCount, optionalId, requiredId } from "./read-fields.js";
import { readUsageEvent, readUsageReport } from "./read-reports.js";
import { plainReply, type Reply, type ServiceCallContext } from "./unary-call.js";

/** The four methods that ask upstream to do something. Of a list, nothing is sent unless all of it can be. */
export function writeCalls<A extends Answers>(
  reportUsage: UsageReporting,
  reportEvents: EventReporting,
  reload: ReloadEntitlements,
  encode: AnswerEncoders<A>,
  { maxItems, maxIdBytes }: { readonly maxItems: number; readonly maxIdBytes: number },
) {
  return {
    async reportUsage(request: ReportUsageRequest, call: ServiceCallContext): Promise<Reply<A["reportUsage"]>> {
      const measurement = await reportUsage.report(
        readUsageReport(request, call.idempotencyKey, undefined, maxIdBytes),
        call,
      );
      return plainReply(encode.measurement(measurement), measurement.state);
    },

    async reportUsageBulk(
      { usages }: ReportUsageBulkRequest,
      call: ServiceCallContext,
    ): Promise<Reply<A["reportUsageBulk"]>> {
      checkCount(usages.length, maxItems, "usages");
      const reports = usages.map((usage, index) => readUsageReport(usage, call.idempotencyKey, index, maxIdBytes));
      const measurements = reports.length === 0 ? [] : await reportUsage.reportBulk(reports, call);
      return plainReply(encode.measurements(measurements), stateOf(measurements));
    },

    async reportEvents({ events }: ReportEventsRequest, call: ServiceCallContext): Promise<Reply<A["reportEvents"]>> {
      checkCount(events.length, maxItems, "events");
      const readEvents = events.map((event, index) => readUsageEvent(event, `events[${index}].`, maxIdBytes));
      return plainReply(
        encode.empty(),
        readEvents.length > 0 ? await reportEvents.report(readEvents, call) : undefined,
      );
    },

    async reloadEntitlements(
      { customerId, resourceId }: ReloadEntitlementsRequest,
      call: ServiceCallContext,
    ): Promise<Reply<A["reloadEntitlements"]>> {
      const subject = {
        customerId: requiredId(customerId, "customer_id", maxIdBytes),
        resourceId: optionalId(resourceId, "resource_id", maxIdBytes),
      };
      return plainReply(encode.reload(await reload.reload(subject, call.span)));
    },
  };
}

/** Of several, that of the one that has come least far. */
function stateOf(measurements: readonly UsageMeasurement[]): UsageState | undefined {
  return measurements.find(({ state }) => state === "accepted")?.state ?? measurements[0]?.state;
}

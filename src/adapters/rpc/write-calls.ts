import { create } from "@bufbuild/protobuf";
import { EmptySchema, type Empty } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../../application/answer.js";
import type { ReloadEntitlements } from "../../application/reload-entitlements.js";
import type { ReportEvents } from "../../application/report-events.js";
import type { ReportUsage } from "../../application/report-usage.js";
import { encodeMeasurement } from "./encode-measurement.js";
import {
  ReloadEntitlementsResponseSchema,
  ReportUsageBulkResponseSchema,
  type ReloadEntitlementsRequest,
  type ReloadEntitlementsResponse,
  type ReportEventsRequest,
  type ReportUsageBulkRequest,
  type ReportUsageBulkResponse,
  type ReportUsageRequest,
  type ReportUsageResponse,
} from "./gen/stigg/sidecar/v1/sidecar_pb.js";
import { optionalId, requiredId } from "./read-fields.js";
import { readUsageEvent, readUsageReport } from "./read-reports.js";
import { plainReply, type Reply } from "./unary-call.js";

/** The four methods that ask upstream to do something. Of a list, nothing is sent unless all of it can be. */
export function writeCalls(reportUsage: ReportUsage, reportEvents: ReportEvents, reload: ReloadEntitlements) {
  return {
    async reportUsage(request: ReportUsageRequest, call: CallContext): Promise<Reply<ReportUsageResponse>> {
      return plainReply(encodeMeasurement(await reportUsage.report(readUsageReport(request), call)));
    },

    async reportUsageBulk(
      { usages }: ReportUsageBulkRequest,
      call: CallContext,
    ): Promise<Reply<ReportUsageBulkResponse>> {
      const reports = usages.map((usage, index) => readUsageReport(usage, `usages[${index}].`));
      const measurements = reports.length === 0 ? [] : await reportUsage.reportBulk(reports, call);
      return plainReply(create(ReportUsageBulkResponseSchema, { usages: measurements.map(encodeMeasurement) }));
    },

    async reportEvents({ events }: ReportEventsRequest, call: CallContext): Promise<Reply<Empty>> {
      const readEvents = events.map((event, index) => readUsageEvent(event, `events[${index}].`));
      if (readEvents.length > 0) await reportEvents.report(readEvents, call);
      return plainReply(create(EmptySchema));
    },

    async reloadEntitlements({
      customerId,
      resourceId,
    }: ReloadEntitlementsRequest): Promise<Reply<ReloadEntitlementsResponse>> {
      const subject = { customerId: requiredId(customerId, "customer_id"), resourceId: optionalId(resourceId) };
      const { entitledEntityExists } = await reload.reload(subject);
      return plainReply(create(ReloadEntitlementsResponseSchema, { entitledEntityExists }));
    },
  };
}

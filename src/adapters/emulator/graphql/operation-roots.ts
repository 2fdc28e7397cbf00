import type { Subject } from "../../../domain/subject.js";
import { apiErrorOf } from "../api-error.js";
import type { EmulatorContext } from "../emulator-context.js";
import { encodeMeasurement } from "../encoding/encode-measurement.js";
import { encodeEntitlementsV2, encodeOlderEntitlements } from "../encoding/encode-state.js";
import { fetchKnownState } from "../fetch-known-state.js";
import { explainRefusal } from "./explain-refusal.js";
import {
  readUsageEvent,
  readUsageReport,
  subjectOf,
  type UsageEventInput,
  type UsageReportInput,
} from "./read-report-input.js";

/** What clients ask for at their start. They use nothing of it; that it is answered tells them that their key is valid. */
export const SDK_CONFIGURATION = {
  __typename: "SdkConfiguration",
  sentryDsn: null,
  isWidgetWatermarkEnabled: false,
} as const;

/** What belongs to one call. */
export interface CallContext {
  readonly signal: AbortSignal;
}

/** A report that has arrived counts, whether or not its client still waits for the answer. */
const NEVER_ABORTED = new AbortController().signal;

interface StateArguments {
  readonly query: { readonly customerId: string; readonly resourceId?: string | null };
}

/** The fields of Query and Mutation, in front of the upstream. */
export function operationRoots(context: EmulatorContext) {
  const { upstream, stats, clock } = context;

  async function stateOf(query: StateArguments["query"], { signal }: CallContext) {
    const subject = subjectOf(query);
    const state = await orApiError([subject], signal, () =>
      fetchKnownState(upstream, subject, { signal, latest: true }),
    );
    return { subject, state, now: clock.now() };
  }

  async function orApiError<T>(subjects: readonly Subject[], signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw apiErrorOf(error, await explainRefusal(error, subjects, upstream, signal));
    }
  }

  const query = {
    sdkConfiguration: () => SDK_CONFIGURATION,
    cachedEntitlements: async (args: StateArguments, call: CallContext) => {
      const { subject, state, now } = await stateOf(args.query, call);
      return encodeOlderEntitlements(subject, state, now);
    },
    entitlementsState: async (args: StateArguments, call: CallContext) => {
      const { subject, state, now } = await stateOf(args.query, call);
      return {
        entitlementsV2: () => encodeEntitlementsV2(state, now),
        entitlements: () => encodeOlderEntitlements(subject, state, now),
        accessDeniedReason: state.accessDeniedReason ?? null,
      };
    },
  };

  const mutation = {
    reportUsage: async ({ input }: { readonly input: UsageReportInput }) => {
      const report = readUsageReport(input);
      stats.reportArrives({ type: "usage", operation: "ReportUsage", report });
      const measurement = await orApiError([report.subject], NEVER_ABORTED, () =>
        upstream.reportUsage(report, { signal: NEVER_ABORTED }),
      );
      return encodeMeasurement(measurement, clock.now());
    },
    reportUsageBulk: async ({ input }: { readonly input: { readonly usages: readonly UsageReportInput[] } }) => {
      const reports = input.usages.map(readUsageReport);
      for (const report of reports) stats.reportArrives({ type: "usage", operation: "ReportUsageBulk", report });
      const subjects = reports.map(({ subject }) => subject);
      const measurements = await orApiError(subjects, NEVER_ABORTED, () =>
        upstream.reportUsageBulk(reports, { signal: NEVER_ABORTED }),
      );
      const now = clock.now();
      return measurements.map((measurement) => encodeMeasurement(measurement, now));
    },
    reportEvent: async ({ events }: { readonly events: { readonly usageEvents: readonly UsageEventInput[] } }) => {
      const usageEvents = events.usageEvents.map(readUsageEvent);
      for (const event of usageEvents) stats.reportArrives({ type: "event", operation: "ReportEvent", event });
      const subjects = usageEvents.map(({ subject }) => subject);
      await orApiError(subjects, NEVER_ABORTED, () => upstream.reportEvents(usageEvents, { signal: NEVER_ABORTED }));
      return String(usageEvents.length);
    },
  };

  return { query, mutation };
}

import { randomUUID } from "node:crypto";
import type { AccessDeniedReason } from "../../../domain/decision/access-denied-reason.js";
import { CodedError } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import type {
  Dimensions,
  DimensionValue,
  UsageEvent,
  UsageReport,
  UsageUpdateBehavior,
} from "../../../domain/usage/usage-report.js";
import type { UpstreamClient } from "../../../ports/upstream-client.js";
import { type EmulatorContext, fetchKnownState } from "../emulator-context.js";
import { encodeMeasurement } from "../encoding/encode-changes.js";
import { encodeEntitlementsV2, encodeOlderEntitlements } from "../encoding/encode-state.js";
import { apiError, apiErrorOf } from "../http-answer.js";

/** What clients ask for at their start. They use nothing of it; that it is answered tells them that their key is valid. */
export const SDK_CONFIGURATION = {
  __typename: "SdkConfiguration",
  sentryDsn: null,
  isWidgetWatermarkEnabled: false,
} as const;

/** What belongs to one call. */
interface CallContext {
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

/** What the API calls a report that it refuses, by why its subject has nothing to report on. */
const CODES_BY_REASON: Readonly<Partial<Record<AccessDeniedReason, string>>> = {
  CustomerNotFound: "CustomerNotFound",
  CustomerResourceNotFound: "CustomerResourceNotFound",
  CustomerIsArchived: "EntityIsArchivedError",
  NoActiveSubscription: "NoActiveSubscriptionForCustomer",
};

/**
 * The API's own code for a refused report. The failure says only that something was not found or not in
 * order; whether it was the subject is told by its state.
 *
 * @returns undefined where the failure's own code says it all
 */
async function explainRefusal(
  failure: unknown,
  subjects: readonly Subject[],
  upstream: UpstreamClient,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!(failure instanceof CodedError) || (failure.code !== "not-found" && failure.code !== "failed-precondition"))
    return undefined;
  for (const subject of subjects) {
    const state = await upstream.fetchState(subject, { signal, latest: true });
    const code = state?.accessDeniedReason === undefined ? undefined : CODES_BY_REASON[state.accessDeniedReason];
    if (code !== undefined) return code;
  }
  return failure.code === "not-found" ? "FeatureNotFound" : undefined;
}

/** Variables as GraphQL has checked them: their shape holds, the content of its custom scalars is open. */
interface UsageReportInput {
  readonly customerId: string;
  readonly featureId: string;
  readonly value: number;
  readonly resourceId?: string | null;
  readonly updateBehavior?: UsageUpdateBehavior | null;
  readonly createdAt?: unknown;
  readonly dimensions?: unknown;
  readonly idempotencyKey?: string | null;
}

interface UsageEventInput {
  readonly customerId: string;
  readonly eventName: string;
  readonly idempotencyKey: string;
  readonly resourceId?: string | null;
  readonly dimensions?: unknown;
  readonly timestamp?: unknown;
}

/** A report without a key of its own is one that older clients send: each of their tries counts. */
function readUsageReport(input: UsageReportInput): UsageReport {
  return {
    subject: subjectOf(input),
    featureId: input.featureId,
    value: input.value,
    updateBehavior: input.updateBehavior ?? "DELTA",
    dimensions: readDimensions(input.dimensions),
    timestamp: readTimestamp("createdAt", input.createdAt),
    idempotencyKey: input.idempotencyKey ?? randomUUID(),
    keyOrigin: typeof input.idempotencyKey === "string" ? "caller" : "generated",
  };
}

function readUsageEvent(input: UsageEventInput): UsageEvent {
  return {
    subject: subjectOf(input),
    eventName: input.eventName,
    idempotencyKey: input.idempotencyKey,
    dimensions: readDimensions(input.dimensions),
    timestamp: readTimestamp("timestamp", input.timestamp),
  };
}

/** No resource is said in several ways. */
function subjectOf({
  customerId,
  resourceId,
}: {
  readonly customerId: string;
  readonly resourceId?: string | null;
}): Subject {
  return { customerId, resourceId: resourceId === null || resourceId === "" ? undefined : resourceId };
}

function readTimestamp(field: string, value: unknown): number | undefined {
  if (value === null || value === undefined) return undefined;
  const timestamp = typeof value === "string" || typeof value === "number" ? new Date(value).getTime() : Number.NaN;
  if (Number.isNaN(timestamp))
    throw apiError(`${field} is not a date: send ISO 8601 text or epoch milliseconds`, "BadUserInput");
  return timestamp;
}

function readDimensions(value: unknown): Dimensions {
  if (value === null || value === undefined) return new Map();
  if (typeof value !== "object" || Array.isArray(value)) throw apiError("dimensions must be an object", "BadUserInput");
  return new Map(Object.entries(value).map(([name, content]) => [name, readDimension(name, content)]));
}

function readDimension(name: string, content: unknown): DimensionValue {
  if (typeof content === "string" || typeof content === "number" || typeof content === "boolean") return content;
  throw apiError(`dimension ${JSON.stringify(name)} must be text, a number or a boolean`, "BadUserInput");
}

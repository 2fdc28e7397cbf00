import { randomUUID } from "node:crypto";
import type { Subject } from "../../../domain/subject.js";
import type {
  Dimensions,
  DimensionValue,
  UsageEvent,
  UsageReport,
  UsageUpdateBehavior,
} from "../../../domain/usage/usage-report.js";
import { apiError } from "../api-error.js";

/** Variables as GraphQL has checked them: their shape holds, the content of its custom scalars is open. */
export interface UsageReportInput {
  readonly customerId: string;
  readonly featureId: string;
  readonly value: number;
  readonly resourceId?: string | null;
  readonly updateBehavior?: UsageUpdateBehavior | null;
  readonly createdAt?: unknown;
  readonly dimensions?: unknown;
  readonly idempotencyKey?: string | null;
}

export interface UsageEventInput {
  readonly customerId: string;
  readonly eventName: string;
  readonly idempotencyKey: string;
  readonly resourceId?: string | null;
  readonly dimensions?: unknown;
  readonly timestamp?: unknown;
}

/** A report without a key of its own is one that older clients send: each of their tries counts. */
export function readUsageReport(input: UsageReportInput): UsageReport {
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

export function readUsageEvent(input: UsageEventInput): UsageEvent {
  return {
    subject: subjectOf(input),
    eventName: input.eventName,
    idempotencyKey: input.idempotencyKey,
    dimensions: readDimensions(input.dimensions),
    timestamp: readTimestamp("timestamp", input.timestamp),
  };
}

/** No resource is said in several ways. */
export function subjectOf({
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

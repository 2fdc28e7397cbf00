import type { CatalogEngine } from "../../src/adapters/catalog/engine/catalog-engine.js";
import { openCatalog } from "../../src/adapters/catalog/engine/open-catalog.js";
import type {
  CatalogInput,
  CustomerInput,
  FeatureInput,
  PlanInput,
} from "../../src/adapters/catalog/file/catalog-input.js";
import { decideFeature } from "../../src/domain/decision/decide-feature.js";
import type { Subject } from "../../src/domain/subject.js";
import type { DimensionValue, UsageEvent, UsageReport } from "../../src/domain/usage/usage-report.js";
import { ManualClock } from "../fakes/manual-clock.js";
import { RecordingLogger } from "../fakes/recording-logger.js";

let keys = 0;

/** A key that no other report has. */
export function freshKey(): string {
  return `key ${++keys}`;
}

export function usageReport(
  subject: Subject,
  featureId: string,
  value: number,
  more: Partial<UsageReport> = {},
): UsageReport {
  const { updateBehavior = "DELTA", timestamp, idempotencyKey = freshKey() } = more;
  return { subject, featureId, value, updateBehavior, timestamp, idempotencyKey, dimensions: new Map() };
}

export function usageEvent(
  subject: Subject,
  eventName: string,
  dimensions: Readonly<Record<string, DimensionValue>> = {},
  more: Partial<UsageEvent> = {},
): UsageEvent {
  const { timestamp, idempotencyKey = freshKey() } = more;
  return { subject, eventName, dimensions: new Map(Object.entries(dimensions)), timestamp, idempotencyKey };
}

export const FEATURES = [
  { id: "sso", kind: "boolean" },
  { id: "days", kind: "numeric" },
  { id: "formats", kind: "enum", values: ["pdf", "html"] },
  { id: "calls", kind: "metered", meter: { event: "call" } },
  { id: "seats", kind: "metered", meterType: "Fluctuating" },
  { id: "words", kind: "metered", meter: { event: "completion", aggregation: "sum", dimension: "words" } },
  {
    id: "paid-words",
    kind: "metered",
    meter: { event: "completion", aggregation: "sum", dimension: "words", where: { paid: true } },
  },
] as const satisfies readonly FeatureInput[];

/** A catalog with one customer, "acme", who has `plan`. */
export function catalogOf(plan: Omit<PlanInput, "id">, acme: Omit<CustomerInput, "id"> = {}): CatalogInput {
  return {
    features: FEATURES,
    creditCurrencies: [{ id: "ink" }, { id: "gold" }],
    plans: [{ id: "pro", ...plan }],
    customers: [{ id: "acme", plan: "pro", ...acme }],
  };
}

export const ACME: Subject = { customerId: "acme" };
export const NOON = Date.UTC(2026, 4, 20, 12);

export interface OpenedCatalog {
  readonly engine: CatalogEngine;
  readonly clock: ManualClock;
  readonly logger: RecordingLogger;
}

export async function open(catalog: CatalogInput, now = NOON): Promise<OpenedCatalog> {
  const clock = new ManualClock(now);
  const logger = new RecordingLogger();
  return { engine: await openCatalog({ source: { catalog }, clock, logger }), clock, logger };
}

/** The reason for which a feature is denied now, or "granted". */
export function answerOf(
  { engine, clock }: OpenedCatalog,
  featureId: string,
  subject = ACME,
  requestedUsage?: number,
): string {
  const query = {
    featureId,
    kind: undefined,
    requestedUsage,
    requestedValues: [],
    fallback: undefined,
    fallbackWhenUnknown: false,
  };
  return decideFeature(engine.stateOf(subject), query, clock.now()).accessDeniedReason ?? "granted";
}

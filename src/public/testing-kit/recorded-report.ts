import type { UsageUpdateBehavior } from "../../domain/usage/usage-report.js";

/** What the application reported, as upstream received it. */
export type RecordedReport =
  | {
      readonly type: "usage";
      readonly customerId: string;
      readonly resourceId: string | undefined;
      readonly featureId: string;
      readonly value: number;
      /** DELTA is added to what was used, SET replaces it. */
      readonly updateBehavior: UsageUpdateBehavior;
      readonly dimensions: Readonly<Record<string, string | number | boolean>>;
    }
  | {
      readonly type: "event";
      readonly customerId: string;
      readonly resourceId: string | undefined;
      readonly eventName: string;
      readonly idempotencyKey: string;
      readonly dimensions: Readonly<Record<string, string | number | boolean>>;
    };

import type { AccessDeniedReason } from "../domain/decision/access-denied-reason.js";
import type { AnswerSource } from "./telemetry.js";

/** A decision of one check, as it is written down. */
export interface LoggedDecision {
  readonly customerId: string;
  readonly resourceId: string | undefined;
  readonly type: "feature" | "credit";
  /** Of the feature or the currency. */
  readonly id: string;
  readonly requestedUsage: number | undefined;
  readonly requestedValues: readonly string[] | undefined;
  readonly hasAccess: boolean;
  readonly reason: AccessDeniedReason | undefined;
  readonly isFallback: boolean;
  readonly source: AnswerSource;
  /** Up to when the state behind it is known to have been true, epoch milliseconds. */
  readonly verifiedAt: number | undefined;
  readonly used: number | undefined;
  readonly limit: number | undefined;
  /** The caller's own names for its call, where it has some. */
  readonly requestId?: string | undefined;
  readonly traceId?: string | undefined;
}

/** Where decisions are written down. Never waits and never throws: what cannot be written is lost, and counted. */
export interface DecisionLog {
  /** @returns the id under which it is found again; undefined: it is not */
  write(decision: LoggedDecision): string | undefined;
}

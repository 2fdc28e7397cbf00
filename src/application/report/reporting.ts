import type { UsageEvent, UsageMeasurement, UsageReport, UsageState } from "../../domain/usage/usage-report.js";
import type { CallContext } from "../answer.js";

/** Takes reports of usage, whether they wait for upstream or are accepted before. */
export interface UsageReporting {
  /** @throws CodedError (by rejection) saying truthfully whether the usage may count; never a made-up success */
  report(report: UsageReport, call: CallContext): Promise<UsageMeasurement>;
  /** @throws CodedError as report does, for all of the reports */
  reportBulk(reports: readonly UsageReport[], call: CallContext): Promise<readonly UsageMeasurement[]>;
}

/** The same of events. */
export interface EventReporting {
  /** @returns how far they have come; undefined where they went to upstream without an outbox */
  report(events: readonly UsageEvent[], call: CallContext): Promise<UsageState | undefined>;
}

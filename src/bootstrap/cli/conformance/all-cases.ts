import { CHECK_CASES } from "./cases/check-cases.js";
import { CREDIT_CASES } from "./cases/credit-cases.js";
import { ERROR_CASES } from "./cases/error-cases.js";
import { FALLBACK_CASES } from "./cases/fallback-cases.js";
import { PERIOD_CASES } from "./cases/period-cases.js";
import { REASON_CASES } from "./cases/reason-cases.js";
import { REPORT_CASES } from "./cases/report-cases.js";
import { UPDATE_CASES } from "./cases/update-cases.js";
import type { ConformanceCase } from "./conformance-case.js";

/** The contract, in the order in which it is asked. */
export const ALL_CASES: readonly ConformanceCase[] = [
  ...CHECK_CASES,
  ...REASON_CASES,
  ...CREDIT_CASES,
  ...PERIOD_CASES,
  ...REPORT_CASES,
  ...UPDATE_CASES,
  ...ERROR_CASES,
  ...FALLBACK_CASES,
];

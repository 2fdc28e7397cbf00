import type { CreditMeasurement, UsageMeasurement, UsageReport } from "../../../domain/usage/usage-report.js";
import { FieldFault } from "../../../wire/fault-log.js";
import { Fields, isObject, type ReportFault } from "../../../wire/fields.js";

/**
 * What upstream says that it counts after a report. The usage is counted by then, so nothing in the answer can
 * make the report fail: what cannot be read is unknown, and a caller who were told otherwise would report again.
 */
export function decodeMeasurement(value: unknown, report: UsageReport, onFault: ReportFault): UsageMeasurement {
  try {
    return readMeasurement(Fields.of(value, "").lenient(onFault), report);
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    onFault(error);
    return unknownMeasurement(report);
  }
}

/**
 * One measurement for each report. Where upstream's list is not that, it is not known which is whose: then, and where an
 * item says nothing, the report is not confirmed.
 */
export function decodeMeasurements(
  value: unknown,
  reports: readonly UsageReport[],
  onFault: ReportFault,
): readonly UsageMeasurement[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  if (list.length === reports.length)
    return reports.map((report, i) => {
      const measurement = decodeMeasurement(list[i], report, onFault);
      return isObject(list[i]) ? measurement : { ...measurement, isConfirmed: false };
    });
  onFault(new FieldFault("reportUsageBulk", `a list of ${reports.length}`, list.length));
  return reports.map((report) => ({ ...unknownMeasurement(report), isConfirmed: false }));
}

function readMeasurement(fields: Fields, report: UsageReport): UsageMeasurement {
  assertIsOf(fields, report);
  return {
    measurementId: fields.text("id"),
    subject: report.subject,
    featureId: report.featureId,
    currentUsage: fields.optionalNumber("currentUsage"),
    periodStart: fields.optionalTimestamp("usagePeriodStart"),
    periodEnd: fields.optionalTimestamp("usagePeriodEnd"),
    updatedAt: fields.optionalTimestamp("timestamp"),
    credit: readCredit(fields.optionalObject("credit")),
  };
}

/** An answer that names another feature or customer must not become the usage of this one. */
function assertIsOf(fields: Fields, { featureId, subject }: UsageReport): void {
  const expected = { featureId, customerId: subject.customerId };
  for (const [name, id] of Object.entries(expected)) {
    const found = fields.optionalText(name);
    if (found !== undefined && found !== id) throw new FieldFault(name, `the reported ${name}`, found);
  }
}

function readCredit(fields: Fields | undefined): CreditMeasurement | undefined {
  if (fields === undefined) return undefined;
  return {
    currencyId: fields.text("currencyId"),
    currentUsage: fields.number("currentUsage"),
    periodEnd: fields.optionalTimestamp("usagePeriodEnd"),
    updatedAt: fields.optionalTimestamp("timestamp"),
  };
}

/** The report's key names it as well as upstream's own id would. */
function unknownMeasurement({ subject, featureId, idempotencyKey }: UsageReport): UsageMeasurement {
  return {
    measurementId: idempotencyKey,
    subject,
    featureId,
    currentUsage: undefined,
    periodStart: undefined,
    periodEnd: undefined,
    updatedAt: undefined,
    credit: undefined,
  };
}

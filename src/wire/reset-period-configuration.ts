import type { ResetPeriod } from "../domain/usage/usage-period.js";
import type { Fields } from "./fields.js";

/** Days and hours have no configuration: there is only one way to count them. */
const CONFIGURATIONS: ReadonlyMap<ResetPeriod, { readonly typename: string; readonly member: string }> = new Map([
  ["YEAR", { typename: "YearlyResetPeriodConfig", member: "yearlyAccordingTo" }],
  ["MONTH", { typename: "MonthlyResetPeriodConfig", member: "monthlyAccordingTo" }],
  ["WEEK", { typename: "WeeklyResetPeriodConfig", member: "weeklyAccordingTo" }],
]);

/** How an anchor was chosen, as upstream tells it; null where there is nothing to tell. */
export function encodeResetPeriodConfiguration(
  reset: ResetPeriod | undefined,
  accordingTo: string | undefined,
): object | null {
  const configuration = reset === undefined ? undefined : CONFIGURATIONS.get(reset);
  if (configuration === undefined || accordingTo === undefined) return null;
  return { __typename: configuration.typename, [configuration.member]: accordingTo };
}

/** @throws FieldFault where it names anything but a text */
export function decodeResetPeriodConfiguration(fields: Fields | undefined): string | undefined {
  for (const { member } of CONFIGURATIONS.values()) {
    const accordingTo = fields?.optionalText(member);
    if (accordingTo !== undefined) return accordingTo;
  }
  return undefined;
}

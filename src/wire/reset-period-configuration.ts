import type { ResetPeriod } from "../domain/usage/usage-period.js";
import type { Fields } from "./fields.js";

interface Configuration {
  readonly typename: string;
  readonly member: string;
}

/** Days and hours have no configuration: there is only one way to count them. */
const CONFIGURATIONS: Readonly<Record<ResetPeriod, Configuration | undefined>> = {
  YEAR: { typename: "YearlyResetPeriodConfig", member: "yearlyAccordingTo" },
  MONTH: { typename: "MonthlyResetPeriodConfig", member: "monthlyAccordingTo" },
  WEEK: { typename: "WeeklyResetPeriodConfig", member: "weeklyAccordingTo" },
  DAY: undefined,
  HOUR: undefined,
};

const MEMBERS = Object.values(CONFIGURATIONS).flatMap((configuration) => configuration?.member ?? []);

/** Whether there is more than one way to count such periods. */
export function isConfigurable(reset: ResetPeriod | undefined): reset is ResetPeriod {
  return reset !== undefined && CONFIGURATIONS[reset] !== undefined;
}

/** How an anchor was chosen, as upstream tells it; null where there is nothing to tell. */
export function encodeResetPeriodConfiguration(
  reset: ResetPeriod | undefined,
  accordingTo: string | undefined,
): object | null {
  const configuration = reset === undefined ? undefined : CONFIGURATIONS[reset];
  if (configuration === undefined || accordingTo === undefined) return null;
  return { __typename: configuration.typename, [configuration.member]: accordingTo };
}

/** @throws FieldFault where it names anything but a text */
export function decodeResetPeriodConfiguration(fields: Fields | undefined): string | undefined {
  for (const member of MEMBERS) {
    const accordingTo = fields?.optionalText(member);
    if (accordingTo !== undefined) return accordingTo;
  }
  return undefined;
}

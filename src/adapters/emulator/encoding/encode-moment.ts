/** Moments as the API writes them: ISO text, null where there is none. @param moment epoch milliseconds */
export function isoMoment(moment: number | undefined): string | null {
  return moment === undefined ? null : new Date(moment).toISOString();
}

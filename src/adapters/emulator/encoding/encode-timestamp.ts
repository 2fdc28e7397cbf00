/** Timestamps as the API writes them: ISO text, null where there is none. @param timestamp epoch milliseconds */
export function isoTimestamp(timestamp: number | undefined): string | null {
  return timestamp === undefined ? null : new Date(timestamp).toISOString();
}

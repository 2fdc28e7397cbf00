/** A date, an ISO 8601 text, or epoch milliseconds. */
export type TimeInput = Date | string | number;

/** The most severe first. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Keys that every line has, besides the configured two. */
export const RESERVED_LOG_KEYS: readonly string[] = ["timestamp", "level"];

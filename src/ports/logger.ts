/** Never called on the path of a cached check. Fields never hold a secret. */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

export interface LogFields {
  readonly [field: string]: unknown;
  /** A failure; written under the configured error key, with its stack where it was not foreseen. */
  readonly error?: unknown;
}

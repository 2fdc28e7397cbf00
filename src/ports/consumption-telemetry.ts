/** What is counted while changes are consumed. Durations in seconds. */
export interface ConsumptionTelemetry {
  /** @returns tells how long ago this was */
  stopwatch(): () => number;
  /** One round trip that wrote to the shared cache. */
  wrote(seconds: number): void;
  /** A write that did not succeed, for whatever reason. */
  writeFailed(): void;
  /** Messages whose effect is in the shared cache, and that were taken off the queue; each took this long. */
  handled(messages: number, seconds: number): void;
  /** A subject that upstream refuses, or goes on failing for while it answers for others. */
  refetchFailed(): void;
  /** A message that can never be carried out. */
  rejected(): void;
}

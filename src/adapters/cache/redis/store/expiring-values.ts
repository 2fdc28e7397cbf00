/** Values that nobody orders by a timestamp, and that go by themselves. */
export interface ExpiringValues {
  /** Ends, and rejects, as all RedisCommands do. @param lastsMs milliseconds, 1 or more */
  setFor(values: readonly (readonly [key: string, value: string])[], lastsMs: number): Promise<void>;
}

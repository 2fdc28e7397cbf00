/** One connection with requests in flight, of whichever protocol. */
export interface LoadConnection {
  /** Resolves once requests can be sent. */
  open(): Promise<void>;
  /**
   * Asks what comes next in the request source; on its way after `flush`.
   *
   * @param dueAt from when on its answer counts as late, by performance.now()
   */
  send(dueAt: number): void;
  flush(): void;
  readonly inFlight: number;
  close(): void;
}

/** Called for each answer and each failure, before the connection flushes what that makes it send. */
export type OnSettled = (connection: LoadConnection) => void;

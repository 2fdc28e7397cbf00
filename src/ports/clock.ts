/** Time, so that the core never asks the machine for it and tests need not wait for it. */
export interface Clock {
  /** Epoch milliseconds. Called on every check: must not allocate. */
  now(): number;
  /** Milliseconds since some time: for what lasts, since the machine's clock may be set meanwhile. */
  elapsed(): number;
  /** Calls back once, `delayMs` from now; never keeps the process alive. */
  after(delayMs: number, callback: () => void): CancelTimer;
}

export type CancelTimer = () => void;

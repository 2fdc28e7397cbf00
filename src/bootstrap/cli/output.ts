/** Where a command writes: answers to `out`, faults to `err`. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/** What the commands end with, so that scripts can branch on it. */
export const COMMAND_EXIT_CODES = { granted: 0, denied: 1, valid: 0, invalid: 1, error: 2 } as const;

/** What the commands end with, so that scripts can branch on it. */
export const COMMAND_EXIT_CODES = { granted: 0, denied: 1, valid: 0, invalid: 1, error: 2 } as const;

/**
 * The service cannot start as it is configured. The message tells the operator what to change, so it is
 * shown as it is, without a stack.
 */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** What the process ends with, after sysexits.h. */
export const EXIT_CODES = { ok: 0, unexpected: 70, configuration: 78 } as const;

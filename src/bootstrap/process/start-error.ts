/**
 * The service cannot start as it is configured. The message tells the operator what to change, so it is
 * shown as it is, without a stack.
 */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** What the process ends with, after sysexits.h. */
export const EXIT_CODES = { ok: 0, unexpected: 70, configuration: 78 } as const;

/** What the operator can mend is reported plainly; anything else is a defect and goes the way of all defects. */
export function refuseToStart(program: string, error: unknown): void {
  if (!(error instanceof StartError)) throw error;
  process.stderr.write(`${program} cannot start.\n${error.message}\n`);
  process.exitCode = EXIT_CODES.configuration;
}

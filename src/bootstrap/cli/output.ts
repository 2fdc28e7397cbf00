/** Where a command writes: answers to `out`, faults to `err`. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/** Of ids, reasons and errors, which others make: a terminal must not obey them. Lines and tabs are our own. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** With control characters as they are written in JSON. */
export function printable(text: string): string {
  return text.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** What the commands end with, so that scripts can branch on it. */
export const COMMAND_EXIT_CODES = { granted: 0, denied: 1, valid: 0, invalid: 1, error: 2 } as const;

/** A bundle has no manifest beside it. */
export function packageVersion(): string {
  return "0.0.0";
}

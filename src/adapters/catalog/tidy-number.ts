/** Without the dust of binary fractions: 0.1 + 0.2 is 0.3 to whoever compares it with a limit of 0.3. */
export function tidy(amount: number): number {
  return Number.isInteger(amount) ? amount : Number(amount.toPrecision(15));
}

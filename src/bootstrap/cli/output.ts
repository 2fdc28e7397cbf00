/** Where a command writes: answers to `out`, faults to `err`. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/** What is fuzzed, and how one input of it is judged. */
export interface FuzzTarget {
  readonly name: string;
  /** No input is longer. */
  readonly maxBytes: number;
  /** Pieces of which inputs may consist. */
  readonly dictionary: readonly Uint8Array[];
  /** @throws Error, also by rejection, where the input shows a fault: its message says which */
  run(input: Uint8Array): void | Promise<void>;
  /** Releases what it holds. */
  close?(): Promise<void>;
}

/** Runs it within `ms`. A promise that never settles is a fault like any other. */
export async function runWithin(target: FuzzTarget, input: Uint8Array, ms: number): Promise<void> {
  const running = target.run(input);
  if (!(running instanceof Promise)) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${ms} ms`)), ms);
    timer.unref();
  });
  try {
    await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
  }
}

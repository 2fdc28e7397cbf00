/** In `file`, `put` is set behind `there`. */
export type Edit = readonly [file: string, there: string, put: string];

/** One of the changes of docs/where-to-change.md. */
export interface Change {
  readonly name: string;
  readonly begin: readonly Edit[];
  readonly then: readonly Edit[];
  /** By the path of a test that fails until they are made. */
  readonly tests?: Readonly<Record<string, readonly Edit[]>>;
}

export const CHANGES: readonly Change[];

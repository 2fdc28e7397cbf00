import type { Header } from "./header.js";

/** What a header block says. The same block of the same connection may be answered with the same list, again and again. */
export class HeaderList {
  /** In their order; those that fit into the limit. */
  readonly headers: readonly Header[];
  /** There were more than the limit allows. */
  readonly isTooLarge: boolean;
  /** For its reader, to note what it takes from the headers: it finds that again with the same list. */
  meaning: unknown = undefined;

  constructor(headers: readonly Header[], isTooLarge: boolean) {
    this.headers = headers;
    this.isTooLarge = isTooLarge;
  }
}

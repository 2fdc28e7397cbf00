export type HeaderField = readonly [name: string, value: string];

/**
 * Status and headers of a response, or its trailers. Those that are made once, for many responses, cost an octet a field
 * over HTTP/2 from their second time on a connection.
 */
export class ResponseHeaders {
  /** Undefined for trailers. */
  readonly status: number | undefined;
  readonly fields: readonly HeaderField[];
  /** What these extend, where they are made for one response. */
  readonly base: ResponseHeaders | undefined;
  #flat: readonly string[] | undefined;

  /** To be made once, for many responses. Names are lower case. */
  constructor(status: number | undefined, fields: readonly HeaderField[], base?: ResponseHeaders) {
    this.status = status;
    this.fields = fields;
    this.base = base;
  }

  /** The same and more, for one response. */
  and(...fields: readonly HeaderField[]): ResponseHeaders {
    return new ResponseHeaders(this.status, fields, this);
  }

  /** Name after name with its value, as node:http takes them. */
  get flat(): readonly string[] {
    this.#flat ??= [...(this.base?.flat ?? []), ...this.fields.flat()];
    return this.#flat;
  }
}

export const NO_TRAILERS = new ResponseHeaders(undefined, []);

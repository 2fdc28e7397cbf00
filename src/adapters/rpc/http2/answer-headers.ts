export type HeaderField = readonly [name: string, value: string];

/** The headers or trailers of answers. Those that are made once cost an octet each from their second time on. */
export class AnswerHeaders {
  readonly fields: readonly HeaderField[];
  /** What these begin with, where they are made for one answer. */
  readonly base: AnswerHeaders | undefined;

  /** To be made once, for many answers. */
  constructor(fields: readonly HeaderField[], base?: AnswerHeaders) {
    this.fields = fields;
    this.base = base;
  }

  /** The same and more, for one answer. */
  and(...fields: readonly HeaderField[]): AnswerHeaders {
    return new AnswerHeaders(fields, this);
  }
}

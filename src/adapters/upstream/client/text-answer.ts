import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import { CodedError } from "../../../domain/errors.js";
import { parseRetryAfter } from "../resilience/operation.js";

export interface JsonAnswer {
  readonly status: number;
  /**
   * Parsed when it is asked for; undefined where it is not JSON and the status is an error's.
   *
   * @throws CodedError `internal` where success is told with what is not JSON
   */
  readonly body: unknown;
  /** What a Retry-After header asks for, milliseconds; undefined where there is none. */
  readonly retryAfterMs: number | undefined;
}

/** An answer whose text may tell enough without being parsed. */
export class TextAnswer implements JsonAnswer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs: number | undefined;
  readonly #from: string;

  /**
   * @param from who answers, as errors name it
   * @param retryAfter the header of that name
   */
  constructor(from: string, status: number, text: string, retryAfter?: string) {
    this.#from = from;
    this.status = status;
    this.text = text;
    this.retryAfterMs = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, Date.now());
  }

  get isSuccess(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get body(): unknown {
    try {
      return JSON.parse(this.text) as unknown;
    } catch (error) {
      if (!this.isSuccess) return undefined;
      throw new CodedError("internal", `${this.#from} answered HTTP ${this.status} with what is not JSON`, {
        cause: error,
      });
    }
  }
}

type Decode = (encoded: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

/**
 * None of them is asked for, since a state is short and the way to it too. But who does not say what it takes may be sent any of
 * them (RFC 9110, section 12.5.3), as by a store that keeps its objects compressed.
 */
const DECODERS: ReadonlyMap<string, Decode> = new Map([
  ["gzip", promisify(gunzip)],
  ["x-gzip", promisify(gunzip)],
  ["deflate", promisify(inflate)],
  ["br", promisify(brotliDecompress)],
]);

/**
 * @param encoding of a Content-Encoding header; undefined: the bytes are as they are
 * @returns undefined where there is nothing to decode
 */
export function decoderOf(encoding: string | undefined): Decode | undefined {
  const name = (encoding ?? "").trim().toLowerCase();
  if (name === "" || name === "identity") return undefined;
  return DECODERS.get(name) ?? (() => Promise.reject(new Error("it is not known")));
}

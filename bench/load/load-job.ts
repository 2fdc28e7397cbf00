import type { CallName } from "./calls.js";
import type { Percentiles } from "./histogram.js";
import type { KeyDistribution } from "./key-sequence.js";

/** What the generator is told to do. Plain data: it crosses a process boundary. */
export interface LoadJob {
  readonly port: number;
  /** More of the same; connections are spread over all. */
  readonly otherPorts?: readonly number[];
  /** Of the server, whose processor time is reported. */
  readonly serverPid: number;
  /** What a connection speaks: frames of HTTP/2 ("grpc"), or HTTP/1.1 ("json"). */
  readonly protocol: "grpc" | "json";
  /** How calls are put over HTTP/2; undefined: plain gRPC. */
  readonly form?: CallForm | undefined;
  /** Sent with each call over HTTP/2. */
  readonly authorization?: string | undefined;
  readonly connections: number;
  /** In flight on each connection; with a steady rate, only the bound. */
  readonly streams: number;
  readonly calls: readonly CallName[];
  readonly keys: KeyDistribution;
  readonly customers: number;
  /** False for peers that answer everyone the same. */
  readonly areAnswersDecoded: boolean;
  readonly shape: LoadShape;
}

/** A protocol and its encoding, as they are over HTTP/2. */
export type CallForm = "grpc" | "grpc-gzip" | "grpc-web" | "connect-proto" | "connect-json";

export type LoadShape =
  /** Each answer is followed by the next request. */
  | { readonly kind: "closed"; readonly warmUpMs: number; readonly measuredMs: number }
  /** Requests are due at a steady rate, whatever becomes of those before; latency counts from then. */
  | {
      readonly kind: "steady";
      readonly perSecond: number;
      readonly warmUpMs: number;
      readonly windowMs: number;
      readonly windows: number;
    }
  /** As many requests as there are customers, and no more. */
  | { readonly kind: "once" };

export interface LoadResult {
  readonly answers: number;
  readonly perSecond: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Answers that were decoded and found right. */
  readonly verified: number;
  readonly latency: Percentiles;
  /** Of each window of a steady load, which follow each other without a pause: what the machine did in one of them stays there. */
  readonly windows: readonly Percentiles[];
  /** Processor time that the server used meanwhile, seconds; NaN where the system does not tell. */
  readonly serverCpuSeconds: number;
  readonly seconds: number;
  /** The longest that the generator itself stood still under a steady load, ms: so much of `latency.max` may be its own. */
  readonly longestStallMs: number;
  /** The share of its core that the generator used: below 1 it was not the limit. */
  readonly generatorBusy: number;
}

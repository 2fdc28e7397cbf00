import type { UpstreamTarget } from "./telemetry.js";

/** What requests by HTTP can be made to suffer: by an emulator that answers them, or in a drill by the client that sends them. */
export type HttpFault =
  /** The answer is worked out at once and sent `ms` later: what it tells may be old by then. */
  | { readonly kind: "delay"; readonly ms: number }
  /** The answer is worked out at once and kept back until the fault is switched off. */
  | { readonly kind: "hold" }
  /** The request is read and never answered. */
  | { readonly kind: "hang" }
  | { readonly kind: "status"; readonly status: number; readonly body?: string }
  /** The connection is reset, before the request has an effect or after it had one. */
  | { readonly kind: "reset"; readonly when: "before-effect" | "after-effect" }
  /** HTTP 200 with this in place of JSON; left out: the first half of the true answer. */
  | { readonly kind: "malformed"; readonly body?: string }
  /** The connection ends in the middle of the answer that the headers announced. */
  | { readonly kind: "truncated" }
  /** HTTP 200 with errors in place of data. */
  | { readonly kind: "errors"; readonly code: string; readonly message: string };

/** A fault that strikes a request. */
export interface StruckRequest {
  readonly fault: HttpFault;
  /** Resolves once the fault is switched off. */
  readonly off: Promise<void>;
}

/**
 * Which fault strikes a request, if any; asked once for each.
 *
 * @param operation a GraphQL operation, or the file that is asked of Edge
 */
export type StrikeRequest = (target: UpstreamTarget, operation: string) => StruckRequest | undefined;

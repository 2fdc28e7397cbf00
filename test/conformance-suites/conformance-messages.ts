import type { Message } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { Code } from "@connectrpc/connect";

/** Messages of connectrpc.conformance.v1, as far as they are read here: their descriptors are loaded at run time. */
export interface ProtoHeader {
  readonly name: string;
  readonly value: readonly string[];
}

export interface ErrorDefinition {
  readonly code: Code;
  readonly message?: string;
  readonly details: readonly Any[];
}

export interface ResponseMetadata {
  readonly responseHeaders: readonly ProtoHeader[];
  readonly responseTrailers: readonly ProtoHeader[];
  readonly responseDelayMs: number;
}

export interface UnaryResponseDefinition extends ResponseMetadata {
  readonly response:
    | { readonly case: "responseData"; readonly value: Uint8Array }
    | { readonly case: "error"; readonly value: ErrorDefinition }
    | { readonly case: undefined; readonly value?: undefined };
}

export interface StreamResponseDefinition extends ResponseMetadata {
  readonly responseData: readonly Uint8Array[];
  readonly error?: ErrorDefinition;
}

/** Also of a client's stream, whose first message has the definition. */
export interface UnaryRequest extends Message {
  readonly responseDefinition?: UnaryResponseDefinition;
}

export interface ServerStreamRequest extends Message {
  readonly responseDefinition?: StreamResponseDefinition;
}

export interface BidiStreamRequest extends ServerStreamRequest {
  readonly fullDuplex: boolean;
}

export interface ServerCompatRequest extends Message {
  readonly useTls: boolean;
  /** PEM; empty where clients need no certificate. */
  readonly clientTlsCert: Uint8Array;
  /** Bytes; 0 where there is no limit. */
  readonly messageReceiveLimit: number;
  /** PEM; there with TLS. */
  readonly serverCreds?: { readonly cert: Uint8Array; readonly key: Uint8Array };
}

import type { DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { plainGrpcTransport } from "../../../adapters/rpc/shadow/plain-grpc-transport.js";
import { describeCheckFailure, NAME_THE_ADDRESS } from "../commands/describe-check-failure.js";
import { UsageError } from "../parse-command-line.js";
import { baseUrlOf, type TlsOptions, tlsOptions } from "../service-options.js";

/**
 * Asks by gRPC.
 *
 * @param address host:port, or a URL
 * @throws UsageError that names the option
 */
export function transportTo(option: string, address: string, tls: TlsOptions): Transport {
  return createGrpcTransport({ baseUrl: baseUrlOf(option, address), nodeOptions: tlsOptions(tls) });
}

/** The same at a third of the cost, for all that callers ask. @throws UsageError that names the option */
export function relayTransportTo(option: string, address: string, tls: TlsOptions): Transport {
  return plainGrpcTransport(baseUrlOf(option, address), tlsOptions(tls));
}

/** @throws UsageError that names the option */
export function countOf(option: string, text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count === 0) throw new UsageError(`${option} must be a whole number above 0, not ${JSON.stringify(text)}`);
  return count;
}

/**
 * Why nobody answers gRPC where a service ought to be, in one line; undefined: somebody does, whatever it says.
 *
 * @param timeoutMs how long the answer may take
 */
export async function reachFault<Method extends DescMethodUnary>(
  transport: Transport,
  baseUrl: string,
  timeoutMs: number,
  method: Method,
  request: MessageInitShape<Method["input"]>,
): Promise<string | undefined> {
  try {
    await transport.unary(method, undefined, timeoutMs, undefined, request);
    return undefined;
  } catch (error) {
    const failure = ConnectError.from(error);
    // Every answer of gRPC has it; what went wrong on the way has none.
    if (failure.metadata.has("grpc-status")) return undefined;
    const { code, rawMessage, cause } = failure;
    const isTold = code === Code.DeadlineExceeded || cause !== undefined;
    return describeCheckFailure(
      isTold ? failure : new ConnectError(rawMessage, Code.Unavailable, undefined, undefined, failure),
      baseUrl,
      timeoutMs,
      NAME_THE_ADDRESS,
    );
  }
}

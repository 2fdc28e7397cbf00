import type { DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { describeCheckFailure, NAME_THE_ADDRESS } from "../commands/describe-check-failure.js";

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

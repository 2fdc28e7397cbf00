import { Code } from "@connectrpc/connect";
import type { ErrorCode } from "../../domain/errors.js";

/** How a failure reads on the wire. The numbers of Code are those of gRPC's status codes. */
export const CONNECT_CODES: Readonly<Record<ErrorCode, Code>> = {
  "invalid-argument": Code.InvalidArgument,
  "not-found": Code.NotFound,
  "failed-precondition": Code.FailedPrecondition,
  unauthenticated: Code.Unauthenticated,
  "resource-exhausted": Code.ResourceExhausted,
  "deadline-exceeded": Code.DeadlineExceeded,
  cancelled: Code.Canceled,
  unavailable: Code.Unavailable,
  internal: Code.Internal,
};

import { Code, ConnectError } from "@connectrpc/connect";
import type { CallContext } from "../../../application/answer.js";
import { type FastMethod, protocolIndex, type Reply, UnreadableMessage } from "../call/served-method.js";
import { ResponseHeaders } from "../exchange/exchange.js";
import type { FastPathStream } from "../exchange/request-handlers.js";
import type { FastProtocol } from "../protocols/fast-path-headers.js";
import { SourceHeaders } from "../protocols/fast-protocols.js";
import { OFREP_METHODS } from "../service/served-methods.js";
import {
  codeOfFault,
  faultText,
  FLAGS,
  keyOf,
  OfrepFault,
  RETRY_AFTER,
  statusOfFailure,
  statusOfFault,
} from "./evaluation-context.js";
import type { OfrepAnswer, OfrepCalls } from "./ofrep-calls.js";

/** How the fast path serves one path. */
interface FastEvaluation {
  readonly method: FastMethod;
  readonly protocol: FastProtocol;
}

/** A fault on its way through the fast path, whose failures are of Connect. */
class EvaluationFault extends ConnectError {
  readonly fault: OfrepFault;

  constructor(fault: OfrepFault) {
    super(fault.errorDetails, codeOfFault(fault));
    this.fault = fault;
  }
}

const JSON_HEADERS = new SourceHeaders("application/json");
const JSON_TYPE = ["content-type", "application/json"] as const;
const failureHeaders = new Map<string, ResponseHeaders>();

/** The evaluation of one flag as a call of the fast path; undefined where the path names none. */
export function fastEvaluationOf(path: string, ofrep: OfrepCalls): FastEvaluation | undefined {
  if (!path.startsWith(`${FLAGS}/`) || path.length === FLAGS.length + 1 || path.includes("?")) return undefined;
  const key = keyOf(path);

  const protocol: FastProtocol = {
    index: protocolIndex("ofrep"),
    ask(_method, { protocol: type, isGzip, timeoutMs, contentLength }, maxMessageBytes, bytes, from, to, call) {
      const isPlain = type === "connect-json" && !isGzip && timeoutMs === Infinity && to - from <= maxMessageBytes;
      if (!isPlain || (contentLength !== undefined && contentLength !== to - from)) return undefined;
      return evaluate(bytes.subarray(from, to), call);
    },
    succeed: (stream, reply) => stream.respond(JSON_HEADERS.of(reply), reply.message, undefined),
    fail: (stream, failure) => fail(stream, failure, key),
  };

  function evaluate(body: Buffer, call: CallContext): Reply<string> | Promise<Reply<string>> {
    const outcome = ofrep.evaluate(key, body, call);
    return outcome instanceof Promise ? outcome.then(replyOf) : replyOf(outcome);
  }

  return { method: { ...OFREP_METHODS.evaluate, isDear: false, binary: unreadable, json: unreadable }, protocol };
}

/** @throws EvaluationFault */
function replyOf(outcome: OfrepAnswer | OfrepFault): Reply<string> {
  if (outcome instanceof OfrepFault) throw new EvaluationFault(outcome);
  const { text, origin } = outcome;
  return { ...origin, message: text, verifiedAt: undefined, usageState: undefined };
}

function fail(stream: FastPathStream, failure: ConnectError, key: string): void {
  // Not by instanceof, which takes every ConnectError for an instance of what extends it.
  const { fault: found } = failure as Partial<EvaluationFault>;
  const fault = found ?? new OfrepFault("GENERAL", failure.rawMessage);
  const status = found === undefined ? statusOfFailure(failure) : statusOfFault(found);
  const isLater = failure.code === Code.ResourceExhausted;
  const known = `${status}${isLater ? " later" : ""}`;
  let headers = failureHeaders.get(known);
  if (headers === undefined) {
    headers = new ResponseHeaders(status, isLater ? [JSON_TYPE, RETRY_AFTER] : [JSON_TYPE]);
    failureHeaders.set(known, headers);
  }
  stream.respond(headers, faultText(key, fault), undefined);
}

/** Its protocol reads what it is asked. */
function unreadable(): never {
  throw new UnreadableMessage();
}

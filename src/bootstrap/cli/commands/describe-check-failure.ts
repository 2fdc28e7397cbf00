import { Code, type ConnectError } from "@connectrpc/connect";
import { environmentFault } from "../../process/start-error.js";

/** How the system says that nothing can be reached at an address. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "EADDRNOTAVAIL",
  "EACCES",
]);
/** How it says that a connection ended before an answer came. */
const HUNG_UP: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE"]);
/** How it says that this process may open no connection, wherever to. */
const TOO_MANY_OPEN: ReadonlySet<string> = new Set(["EMFILE", "ENFILE"]);
/** How a certificate is refused. */
const UNTRUSTED = /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_)/;
/** What the failures of an answer that is no sidecar's are taken for. */
const STRANGE_ANSWERS: ReadonlySet<Code> = new Set([Code.Unavailable, Code.Internal, Code.Unknown, Code.Unimplemented]);

export const NAME_THE_ADDRESS = "Name the sidecar's address with --address host:port";

/**
 * Why a question came to no answer, and what to do, in one line.
 *
 * @param tooLate what to do where no answer came in time
 */
export function describeCheckFailure(
  error: ConnectError,
  baseUrl: string,
  timeoutMs: number,
  tooLate = "--timeout waits longer",
): string {
  const { code, cause } = error;
  const reason = error.rawMessage.replaceAll(/\s+/g, " ").trim();
  if (code === Code.DeadlineExceeded) return `${baseUrl} did not answer within ${timeoutMs} ms. ${tooLate}`;
  const systemCode = systemCodeOf(cause);
  if (UNREACHABLE.has(systemCode))
    return `no sidecar answers at ${baseUrl} (${reason}). Start one with "npm start", or name its address with --address host:port`;
  if (TOO_MANY_OPEN.has(systemCode)) return environmentFault(cause) ?? reason;
  if (UNTRUSTED.test(systemCode))
    return `the certificate of ${baseUrl} is not trusted (${reason}). --ca <file> names the authority that signed it, --insecure does without`;
  if (/wrong version number|packet length too long|http request/i.test(reason))
    return `${baseUrl} does not speak TLS: ask it by http://. What answers there may not be an entitlement sidecar. ${NAME_THE_ADDRESS}`;
  if (HUNG_UP.has(systemCode))
    return `what answers at ${baseUrl} is not an entitlement sidecar (it ended the connection without an answer: ${reason})${baseUrl.startsWith("http:") ? ", or wants https://" : ""}. ${NAME_THE_ADDRESS}`;
  if (isStrange(code, cause, reason))
    return `what answers at ${baseUrl} is not an entitlement sidecar (${reason === "" ? `an answer without a reason, taken for ${Code[code]}` : reason}). ${NAME_THE_ADDRESS}`;
  return `${baseUrl} refuses the question: ${reason}`;
}

/** A sidecar's failure is a message of its protocol, which says why, and does not come by way of something that went wrong. */
function isStrange(code: Code, cause: unknown, reason: string): boolean {
  if (reason === "" || /^HTTP \d{3}$/.test(reason)) return true;
  return (
    STRANGE_ANSWERS.has(code) && (cause !== undefined || code === Code.Unimplemented || /content type/i.test(reason))
  );
}

/** Of a failure to connect to several addresses: of the last one. */
function systemCodeOf(cause: unknown): string {
  const last: unknown = cause instanceof AggregateError ? cause.errors.at(-1) : cause;
  return last instanceof Error ? ((last as NodeJS.ErrnoException).code ?? "") : "";
}

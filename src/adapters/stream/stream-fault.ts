import { saysInvalidApiKey, saysThrottled } from "../../wire/upstream-errors.js";

/**
 * Why there is no stream.
 *
 * - `lost`: upstream cannot be reached, closed the connection, or went silent
 * - `throttled`: upstream asks for patience
 * - `refused`: upstream does not take the API key
 */
export interface StreamFault {
  readonly kind: "lost" | "throttled" | "refused";
  /** For the log: never holds the key. */
  readonly reason: string;
}

/** Close codes of graphql-transport-ws by which a server refuses who opens the connection. */
const REFUSING_CLOSE_CODES: ReadonlySet<number> = new Set([4401, 4403]);
/** What is said of an upgrade that was answered by an HTTP status. */
const UPGRADE_STATUS = /Unexpected server response: (\d{3})/;
const REFUSING_STATUS: ReadonlySet<number> = new Set([401, 403]);
const THROTTLING_STATUS = 429;

/** @param code of a close frame, or undefined where the connection failed without one */
export function streamFaultOf(code: number | undefined, reason: string): StreamFault {
  const explanation = [code, reason].filter((part) => part !== undefined && part !== "").join(" ");
  const status = Number(UPGRADE_STATUS.exec(reason)?.[1]);
  return { kind: kindOf(code, status, reason), reason: explanation === "" ? "no reason given" : explanation };
}

function kindOf(code: number | undefined, status: number, reason: string): StreamFault["kind"] {
  // Throttling first: a server that closes for it may use any code.
  if (saysThrottled(reason) || status === THROTTLING_STATUS) return "throttled";
  const isRefused =
    (code !== undefined && REFUSING_CLOSE_CODES.has(code)) || REFUSING_STATUS.has(status) || saysInvalidApiKey(reason);
  return isRefused ? "refused" : "lost";
}

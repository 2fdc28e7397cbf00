import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

export type Method = "GET" | "POST";

export interface TextAnswer {
  readonly status: number;
  readonly text: string;
}

/** More than any answer of a metrics port. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Sends one request to whoever listens, and reads the answer: both within a time and a size, since it may be anybody.
 *
 * @throws Error that says why there is no answer
 */
export function sendBounded(
  method: Method,
  url: URL,
  token: string | undefined,
  timeoutMs: number,
): Promise<TextAnswer> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, { method, headers });
    const end = (error: Error) => {
      clearTimeout(tooLate);
      reject(error);
      request.destroy();
    };
    // Not the socket's own time: that begins anew with every byte.
    const tooLate = setTimeout(() => end(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    request.on("error", end);
    request.on("response", (response: IncomingMessage) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on("data", (part: Buffer) => {
        parts.push(part);
        if ((bytes += part.length) > MAX_BYTES) end(new Error(`an answer of more than ${MAX_BYTES} bytes`));
      });
      response.on("end", () => {
        clearTimeout(tooLate);
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString("utf8") });
      });
      response.on("error", end);
    });
    request.end();
  });
}

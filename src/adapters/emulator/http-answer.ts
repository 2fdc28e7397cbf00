import type { ServerResponse } from "node:http";

export interface HttpAnswer {
  readonly status: number;
  /** JSON text. */
  readonly body: string;
}

export function jsonAnswer(status: number, value: unknown): HttpAnswer {
  return { status, body: JSON.stringify(value) };
}

export function sendAnswer(response: ServerResponse, { status, body }: HttpAnswer): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, headersOf(body));
  response.end(body);
}

/** Announces the whole answer, sends half of it and ends the connection. */
export function sendTruncated(response: ServerResponse, { status, body }: HttpAnswer): void {
  response.writeHead(status, headersOf(body));
  response.write(halfOf(body), () => response.destroy());
}

export function halfOf(body: string): string {
  return body.slice(0, Math.ceil(body.length / 2));
}

function headersOf(body: string) {
  return {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  };
}

import { once } from "node:events";
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";

export interface Http1Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface Http1Request {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent with its length; several parts are sent chunked, each by itself. */
  readonly body?: Buffer | string | readonly Buffer[] | undefined;
}

/** HTTP/1.1 by which anything may be sent. */
export class RawHttp1 {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async send(path: string, { method = "POST", headers, body }: Http1Request): Promise<Http1Answer> {
    const outgoing = request(this.#url + path, { agent: this.#agent, method, headers });
    const answered = once(outgoing, "response");
    if (Array.isArray(body)) for (const part of body as readonly Buffer[]) outgoing.write(part);
    outgoing.end(Array.isArray(body) ? undefined : body);
    const [response] = (await answered) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const whole = Buffer.concat(chunks);
    return { status: response.statusCode ?? 0, headers: response.headers, body: whole, text: whole.toString() };
  }

  close(): void {
    this.#agent.destroy();
  }
}

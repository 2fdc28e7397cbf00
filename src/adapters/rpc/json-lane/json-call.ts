import type { IncomingMessage, ServerResponse } from "node:http";
import { codeToHttpStatus, errorToJson } from "@connectrpc/connect/protocol-connect";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import { callFailure } from "../call-failure.js";
import type { HttpHandler } from "../http-handler.js";
import { LaneCaller } from "../lane-caller.js";
import { AGE_HEADER, ageMs, DETAIL_HEADER, SOURCE_HEADER } from "../provenance-headers.js";
import type { Reply } from "../unary-call.js";
import type { JsonMethod } from "./json-methods.js";

export interface JsonLaneOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxMessageBytes: number;
  /** Answers everything that is not a plain call of a method of the lane's. */
  readonly answerOdd: HttpHandler;
}

/** One call of a hot method: gathers the request, has it answered, and is what the use case knows of its caller. */
export class JsonCall extends LaneCaller<string> {
  readonly #options: JsonLaneOptions;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #method: JsonMethod;
  #isArriving = true;
  readonly #received: Buffer[] = [];
  #receivedBytes = 0;

  /** @param timeoutMs how long the caller waits, milliseconds or Infinity */
  constructor(options: JsonLaneOptions, response: ServerResponse, method: JsonMethod, timeoutMs: number) {
    super(options.clock, timeoutMs);
    this.#options = options;
    this.#request = response.req;
    this.#response = response;
    this.#method = method;
  }

  receive(chunk: Buffer): void {
    if (!this.#isArriving) return;
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes <= this.#options.maxMessageBytes) return;
    // What still comes must wait until it is read, in place of flowing by.
    this.#request.pause();
    this.#passOn();
  }

  /** The request is whole. */
  end(): void {
    if (!this.#isArriving) return;
    const reply = this.#ask();
    if (reply === undefined) {
      this.#passOn();
      return;
    }
    this.#isArriving = false;
    if (reply instanceof Promise) {
      if (this.#response.destroyed) this.goAway();
      else this.#response.once("close", () => this.goAway());
      void this.settle(reply);
    } else this.deliver(reply);
  }

  protected deliver(reply: Reply<string>): void {
    const headers = headersOf(reply.message);
    if (reply.source !== undefined) headers.push(SOURCE_HEADER, reply.source);
    if (this.#request.headers[DETAIL_HEADER] === "1") {
      const age = ageMs(reply, this.#options.clock.now());
      if (age !== undefined) headers.push(AGE_HEADER, String(age));
    }
    this.#send(200, headers, reply.message);
  }

  protected fail(error: unknown): void {
    const failure = callFailure(error, this.signal, this.#method.name, this.#options.logger);
    const body = JSON.stringify(errorToJson(failure, undefined));
    this.#send(codeToHttpStatus(failure.code), headersOf(body), body);
  }

  /** @returns undefined where it failed at once: what is wrong, with the request or here, Connect finds and tells as well */
  #ask(): Reply<string> | Promise<Reply<string>> | undefined {
    try {
      return this.#method.answer(this.#text(), this);
    } catch {
      return undefined;
    }
  }

  #text(): string {
    const [first] = this.#received;
    const body = first !== undefined && this.#received.length === 1 ? first : Buffer.concat(this.#received);
    return body.toString();
  }

  #passOn(): void {
    this.#isArriving = false;
    this.#options.answerOdd(this.#request, this.#response, this.#received);
  }

  #send(status: number, headers: string[], body: string): void {
    if (!this.#response.destroyed && !this.#response.headersSent) this.#response.writeHead(status, headers).end(body);
  }
}

/** Name after name with its value, which Node takes as they are. */
function headersOf(body: string): string[] {
  return ["content-type", "application/json", "content-length", String(Buffer.byteLength(body))];
}

import { CodedError } from "../../../domain/errors.js";
import type { UpstreamTarget } from "../../../ports/telemetry.js";
import type { HttpFault, StrikeRequest } from "../../../ports/upstream-client.js";
import { type CancelSignal, unlessAborted } from "../../../ports/waits.js";
import { abortErrorOf } from "../resilience/operation.js";
import { OPERATION_HEADER } from "./graphql-client.js";
import { HttpJson, type HttpJsonOptions } from "./http-json.js";
import { TextAnswer } from "./text-answer.js";

/** Requests that fail by rule: what becomes of each is what the same fault of an emulator would have made of it. */
export class FaultyHttp extends HttpJson {
  readonly #target: UpstreamTarget;
  readonly #name: string;
  readonly #strike: StrikeRequest;

  constructor(target: UpstreamTarget, options: HttpJsonOptions, strike: StrikeRequest) {
    super(options);
    this.#target = target;
    this.#name = options.name;
    this.#strike = strike;
  }

  protected override exchange(
    method: "GET" | "POST",
    path: string,
    body: string | undefined,
    headers: Readonly<Record<string, string>>,
    signal: CancelSignal,
  ): Promise<TextAnswer> {
    const send = () => super.exchange(method, path, body, headers, signal);
    const file = path.slice(path.lastIndexOf("/") + 1).replace(/\?.*$/, "");
    const struck = this.#strike(this.#target, headers[OPERATION_HEADER] ?? file);
    return struck === undefined ? send() : this.#suffer(struck.fault, struck.off, signal, send);
  }

  async #suffer(
    fault: HttpFault,
    off: Promise<void>,
    signal: CancelSignal,
    send: () => Promise<TextAnswer>,
  ): Promise<TextAnswer> {
    const gone = () => abortErrorOf(signal);
    switch (fault.kind) {
      case "delay": {
        const answer = await send();
        await unlessAborted(Promise.race([elapsed(fault.ms), off]), signal, gone);
        return answer;
      }
      case "hold": {
        const answer = await send();
        await unlessAborted(off, signal, gone);
        return answer;
      }
      case "hang":
        return unlessAborted(new Promise<never>(() => undefined), signal, gone);
      case "status":
        return this.#answer(fault.status, fault.body ?? JSON.stringify(errorsOf(`HTTP ${fault.status}`)));
      case "reset":
        if (fault.when === "after-effect") await send();
        throw this.#broken("ECONNRESET");
      case "malformed":
        return this.#answer(200, fault.body ?? halfOf((await send()).text));
      case "truncated":
        await send();
        throw this.#broken("the connection broke off within the answer");
      case "errors":
        return this.#answer(200, JSON.stringify(errorsOf(fault.message, fault.code)));
    }
  }

  #answer(status: number, text: string): TextAnswer {
    return new TextAnswer(this.#name, status, text);
  }

  #broken(reason: string): CodedError {
    return new CodedError("unavailable", `${this.#name} cannot be reached (${reason}), in a drill`);
  }
}

function errorsOf(message: string, code = "UnexpectedError") {
  return { data: null, errors: [{ message, extensions: { code } }] };
}

function halfOf(text: string): string {
  return text.slice(0, Math.floor(text.length / 2));
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

import { Code } from "@connectrpc/connect";
import type { CallOrigin } from "../../../application/answer.js";
import type { CancelTimer, Deadline } from "../../../ports/clock.js";
import type { Span } from "../../../ports/tracer.js";
import { Cancellation, type CancelSignal } from "../../../ports/waits.js";
import type { Peer } from "../exchange/exchange.js";
import type { FastPath, FastPathCall, FastPathStream, Http1Head, Route } from "../exchange/request-handlers.js";
import type { HeaderList } from "../http2/hpack/header-table.js";
import {
  type FastPathHeaders,
  type FastPathProtocol,
  type FastProtocol,
  parseHttp1Headers,
  parseHttp2Headers,
} from "../protocols/fast-path-headers.js";
import { deadlineExceeded, lateRequest } from "./call-failure.js";
import { endCallSpan, originOf, startCallSpan, tellSource, wantsSpan } from "./call-trace.js";
import type { Calls } from "./calls.js";
import {
  type Caller,
  type FastMethod,
  type Reply,
  type ServiceCallContext,
  UnreadableMessage,
} from "./served-method.js";

interface FastCallOptions {
  readonly calls: Calls;
  readonly maxMessageBytes: number;
  /** From a request's headers to the end of its body, milliseconds. */
  readonly bodyTimeoutMs: number;
}

/** What all calls with the same headers have in common. */
export interface FastRoute {
  readonly options: FastCallOptions;
  readonly protocol: FastProtocol;
  readonly method: FastMethod;
  readonly headers: FastPathHeaders;
  readonly caller: Caller;
}

/** One call of a method on the fast path, and what the use case knows of its caller: one object, and no promise for a cached check. */
export class FastCall implements FastPathCall, ServiceCallContext {
  readonly deadlineAt: number | undefined;
  readonly #route: FastRoute;
  readonly #stream: FastPathStream;
  #cancelTimer: CancelTimer | undefined;
  #deadline: Deadline | undefined;
  #cancellation: Cancellation | undefined;
  /** Of `performance.now()`, once the call waits for its turn or its use case. */
  #waitsSince: number | undefined;
  #isInWork = false;
  #span: Span | undefined;
  #isDone = false;
  #hasCallerGone = false;

  constructor(route: FastRoute, stream: FastPathStream) {
    const { timeoutMs } = route.headers;
    this.deadlineAt = timeoutMs === Infinity ? undefined : route.options.calls.clock.now() + timeoutMs;
    this.#route = route;
    this.#stream = stream;
  }

  /** Made when a use case asks for it, which none does that answers at once. */
  get signal(): CancelSignal {
    if (this.#cancellation === undefined) {
      this.#cancellation = new Cancellation();
      if (this.#hasCallerGone) this.#cancellation.abort();
    }
    return this.#cancellation;
  }

  get isAborted(): boolean {
    return this.#hasCallerGone;
  }

  get origin(): CallOrigin | undefined {
    return originOf(this.#route.headers);
  }

  /** Begun when a use case asks for it, as those do that wait; one that answers at once has one only for a caller who wants it. */
  get span(): Span | undefined {
    const { options, protocol, method, headers } = this.#route;
    const { tracer } = options.calls;
    if (tracer === undefined) return undefined;
    this.#span ??= startCallSpan(tracer, method, protocol.index, headers);
    return this.#span;
  }

  get idempotencyKey(): string | undefined {
    return this.#route.headers.idempotencyKey;
  }

  get isDear(): boolean {
    return this.#route.method.isDear;
  }

  wait(): void {
    this.#cancelTimer?.();
    if (!this.#isDone) this.#beginWait();
  }

  takeTurn(): Promise<void> {
    const { options, headers } = this.#route;
    return options.calls.takeTurn(headers.peer);
  }

  answer(bytes: Buffer, from: number, to: number): boolean {
    this.#endWatch();
    // Its time was up before it was complete.
    if (this.#isDone) return true;
    const { options, protocol, method, headers, caller } = this.#route;
    const refusal = options.calls.refusalOf(method, caller);
    if (refusal !== undefined) {
      this.#fail(refusal);
      return true;
    }
    if (options.calls.tracer !== undefined && wantsSpan(headers)) this.#span = this.span;
    try {
      const reply = protocol.ask(method, headers, options.maxMessageBytes, bytes, from, to, this);
      if (reply === undefined) return this.#leave(caller);
      if (reply instanceof Promise) this.#await(reply);
      else this.#deliver(reply);
    } catch (error) {
      if (error instanceof UnreadableMessage) return this.#leave(caller);
      this.#fail(error);
    }
    return true;
  }

  limitArrival(): void {
    const { calls, bodyTimeoutMs } = this.#route.options;
    this.#cancelTimer = calls.clock.after(bodyTimeoutMs, () => this.#fail(lateRequest(bodyTimeoutMs)));
  }

  abandon(): boolean {
    this.#endWatch();
    this.#hasCallerGone = true;
    if (this.#isDone) return false;
    this.#cancellation?.abort();
    if (this.#waitsSince === undefined) return false;
    this.#isDone = true;
    this.#count(Code.Canceled);
    return this.#isInWork;
  }

  #leave(caller: Caller): false {
    // Never ended, so never recorded: the general path has its own.
    this.#span = undefined;
    this.#route.options.calls.leftToGeneralPath(caller, this.#waitsSince !== undefined);
    this.#waitsSince = undefined;
    return false;
  }

  #await(reply: Promise<Reply<Buffer | string>>): void {
    this.#isInWork = true;
    this.#beginWait();
    reply.then(
      (settled) => this.#settled(() => this.#deliver(settled)),
      (error: unknown) => this.#settled(() => this.#fail(error)),
    );
  }

  #beginWait(): void {
    if (this.#waitsSince === undefined) {
      this.#waitsSince = performance.now();
      this.#route.options.calls.began();
    }
    this.#watchDeadline();
  }

  #settled(finish: () => void): void {
    this.#endWatch();
    if (this.#hasCallerGone) this.#stream.released();
    if (this.#isDone) return;
    try {
      finish();
    } catch (error) {
      // Nobody would catch it: it would end the process.
      this.#fail(error);
    }
  }

  /**
   * The use case is given the deadline; where it does not heed it, the caller is answered all the same. In a process that was
   * held up, both come to their end in one turn of the event loop, in any order: the use case's answer goes first.
   */
  #watchDeadline(): void {
    if (this.deadlineAt === undefined) return;
    const { clock, deadlines } = this.#route.options.calls;
    this.#deadline = deadlines.after(this.deadlineAt - clock.now(), () => {
      this.#cancelTimer = clock.after(0, () => {
        const failure = deadlineExceeded();
        this.#fail(failure);
        this.#cancellation?.abort(failure);
      });
    });
  }

  #endWatch(): void {
    this.#cancelTimer?.();
    if (this.#deadline !== undefined) this.#route.options.calls.deadlines.cancel(this.#deadline);
  }

  #deliver(reply: Reply<Buffer | string>): void {
    const { options, protocol, headers } = this.#route;
    if (this.#span !== undefined) tellSource(this.#span, reply.source);
    this.#isDone = true;
    protocol.succeed(this.#stream, reply, headers.isDetailed, headers.isDetailed ? options.calls.clock.now() : 0);
    // A stream that cannot write it abandons the call meanwhile.
    this.#count(this.#hasCallerGone ? Code.Internal : 0);
  }

  #fail(error: unknown): void {
    const { options, protocol, method } = this.#route;
    const failure = options.calls.failureOf(error, this.#cancellation, method.name, this.#route.headers);
    this.#isDone = true;
    protocol.fail(this.#stream, failure);
    this.#count(failure.code);
  }

  /** With the code that its caller sees: not before an answer is written, since that may fail. */
  #count(code: number): void {
    const { options, protocol, method } = this.#route;
    options.calls.ended(method, protocol.index, code, this.#waitsSince);
    if (this.#span !== undefined) endCallSpan(this.#span, protocol.index, code);
  }
}

const GENERAL_PATH = Symbol("not for the fast path");

/**
 * Serves small unary calls straight from their frames, at a thirtieth of what they cost by way of Connect.
 *
 * @param methods by path
 * @param evaluationOf of OpenFeature's protocol, over HTTP/1.1: what serves a path of it, in which the flag is named
 */
export function createFastPath(
  methods: ReadonlyMap<string, FastMethod>,
  protocols: Readonly<Record<FastPathProtocol, FastProtocol>>,
  options: FastCallOptions,
  evaluationOf: (path: string) => { readonly method: FastMethod; readonly protocol: FastProtocol } | undefined,
): FastPath {
  function routeOf(headers: FastPathHeaders | undefined): RouteWithHeaders | undefined {
    const method = headers && methods.get(headers.path);
    return headers && method && new RouteWithHeaders(options, protocols[headers.protocol], method, headers);
  }

  return {
    http2RouteOf(headers: HeaderList, peer: Peer): Route | undefined {
      // Clients repeat the headers of their calls, and are given the same list for the same.
      headers.meaning ??= routeOf(parseHttp2Headers(headers, peer)) ?? GENERAL_PATH;
      return headers.meaning === GENERAL_PATH ? undefined : (headers.meaning as Route);
    },
    http1RouteOf({ method, url, headers }: Http1Head, peer: Peer): Route | undefined {
      if (method !== "POST" || url === undefined) return undefined;
      if (methods.has(url)) return routeOf(parseHttp1Headers(url, headers, peer));
      const evaluation = evaluationOf(url);
      const parsed = evaluation && parseHttp1Headers(url, headers, peer);
      return evaluation && parsed && new RouteWithHeaders(options, evaluation.protocol, evaluation.method, parsed);
    },
  };
}

class RouteWithHeaders implements Route, FastRoute {
  readonly options: FastCallOptions;
  readonly protocol: FastProtocol;
  readonly method: FastMethod;
  readonly headers: FastPathHeaders;
  #caller: Caller;
  #generation: number;

  constructor(options: FastCallOptions, protocol: FastProtocol, method: FastMethod, headers: FastPathHeaders) {
    this.options = options;
    this.protocol = protocol;
    this.method = method;
    this.headers = headers;
    this.#generation = options.calls.generation;
    this.#caller = options.calls.callerOf(headers);
  }

  get caller(): Caller {
    const { calls } = this.options;
    if (this.#generation !== calls.generation) {
      this.#generation = calls.generation;
      this.#caller = calls.callerOf(this.headers);
    }
    return this.#caller;
  }

  begin(stream: FastPathStream): FastPathCall {
    return new FastCall(this, stream);
  }
}

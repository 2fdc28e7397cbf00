import { type ExchangeHandler, ResponseHeaders } from "../../../src/adapters/rpc/exchange/exchange.js";
import type {
  FastPath,
  FastPathCall,
  FastPathStream,
  Http1Head,
  Route,
} from "../../../src/adapters/rpc/exchange/request-handlers.js";
import type { HeaderList } from "../../../src/adapters/rpc/http2/hpack/header-table.js";

/** Responses are asked for by "/<which path>/<how many bytes>". */
export const PATHS = ["fast", "general"] as const;
export type Path = (typeof PATHS)[number];

const PATTERN = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at ^ (at >> 8)) & 0xff));

/** What either path answers with: no two neighbours are alike, so that nothing can be lost or change places. */
export function pattern(bytes: number): Buffer {
  return PATTERN.subarray(0, bytes);
}

/** A body that the fast path passes on to the general path. */
export const PASSED_ON = Buffer.from("pass");

/** A body that the fast path fails with. */
export const FAULTY = Buffer.from("fault");

const HEADERS = new ResponseHeaders(200, [["x-from", "fast"]]);
const TRAILERS = new ResponseHeaders(undefined, [["x-last", "1"]]);

/** Serves "/fast/…", but for bodies that begin with {@link PASSED_ON}; "/fast/…?held" when it is asked to, "/fast/early" before it is complete. */
export class PatternFastPath implements FastPath {
  /** Calls that are neither answered nor given up. */
  readonly held = new Set<HeldCall>();
  readonly #early: HeldCall[] = [];
  begun = 0;
  answered = 0;
  abandoned = 0;
  readonly streams: WeakRef<FastPathStream>[] = [];

  http2RouteOf({ headers }: HeaderList): Route | undefined {
    const path = headers.find(({ name }) => name === ":path")?.value ?? "";
    if (!path.startsWith("/fast/")) return undefined;
    return { begin: (stream) => this.callOf(stream, path) };
  }

  http1RouteOf({ method, url = "" }: Http1Head): Route | undefined {
    return method === "POST" && url.startsWith("/fast/") ? { begin: (stream) => this.callOf(stream, url) } : undefined;
  }

  /** Answers calls that are not complete. */
  answerEarly(): void {
    for (const call of this.#early.splice(0)) call.respond();
  }

  /** Answers all calls that are held. */
  answerHeld(): void {
    for (const call of this.held) call.respond();
  }

  callOf(stream: FastPathStream, path: string): FastPathCall {
    if (path === "/fast/fault") throw new Error("a fault of the route");
    this.begun++;
    this.streams.push(new WeakRef(stream));
    const call: HeldCall = {
      path,
      respond: () => {
        this.held.delete(call);
        this.answered++;
        stream.respond(HEADERS, pattern(sizeIn(path)), TRAILERS);
      },
    };
    if (path === "/fast/early") this.#early.push(call);
    return {
      isDear: false,
      wait: () => undefined,
      answer: (bytes, from, to) => {
        const body = bytes.subarray(from, to);
        if (body.equals(FAULTY)) throw new Error("a fault of the fast path");
        if (body.subarray(0, PASSED_ON.length).equals(PASSED_ON)) return false;
        if (path.endsWith("?held")) this.held.add(call);
        else call.respond();
        return true;
      },
      limitArrival: () => undefined,
      abandon: () => {
        this.abandoned++;
        this.held.delete(call);
        return false;
      },
    };
  }
}

interface HeldCall {
  readonly path: string;
  respond(): void;
}

/** Answers in the same way once the request is complete. Says in a header how long its body was. */
export const answerPattern: ExchangeHandler = async (exchange) => {
  let bytes = 0;
  for await (const chunk of exchange.body) bytes += chunk.length;
  exchange.respond(
    200,
    [
      ["x-from", "general"],
      ["x-bytes", String(bytes)],
    ],
    false,
  );
  if (await exchange.write(pattern(sizeIn(exchange.target)))) exchange.end([["x-last", "1"]]);
};

function sizeIn(path: string): number {
  return Number(/\d+/.exec(path)?.[0] ?? 0);
}

import { AnswerHeaders } from "../../src/adapters/rpc/http2/answer-headers.js";
import type { AnswerStream, Lane, StreamCall } from "../../src/adapters/rpc/http2/lane.js";
import type { RequestHandler } from "../../src/adapters/rpc/listener/request-handler.js";

/** Answers are asked for by "/<who>/<how many bytes>". */
export const WHO = ["lane", "node"] as const;
export type Who = (typeof WHO)[number];

const PATTERN = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at ^ (at >> 8)) & 0xff));

/** What whoever is asked answers with: no two neighbours are alike, so that nothing can be lost or change places. */
export function pattern(bytes: number): Buffer {
  return PATTERN.subarray(0, bytes);
}

/** A body that the lane gives back, for Node to answer. */
export const ODD = Buffer.from("odd");

const HEADERS = new AnswerHeaders([
  [":status", "200"],
  ["x-from", "lane"],
]);
const TRAILERS = new AnswerHeaders([["x-last", "1"]]);

/** Serves "/lane/…", but for bodies that begin with {@link ODD}; "/lane/…?held" when it is told to, "/lane/early" before it is whole. */
export class PatternLane implements Lane {
  /** Calls that are neither answered nor given up, by how many bytes they ask for. */
  readonly held = new Set<HeldCall>();
  readonly #early: HeldCall[] = [];
  begun = 0;
  answered = 0;
  abandoned = 0;
  readonly streams: WeakRef<AnswerStream>[] = [];

  routeOf({ headers }: Parameters<Lane["routeOf"]>[0]): ReturnType<Lane["routeOf"]> {
    const path = headers.find(({ name }) => name === ":path")?.value ?? "";
    if (!path.startsWith("/lane/")) return undefined;
    return { begin: (stream) => this.#begin(stream, path) };
  }

  /** Answers calls that are not whole. */
  answerEarly(): void {
    for (const call of this.#early.splice(0)) call.respond();
  }

  /** Answers all calls that are held. */
  answerHeld(): void {
    for (const call of this.held) call.respond();
  }

  #begin(stream: AnswerStream, path: string): StreamCall {
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
    if (path === "/lane/early") this.#early.push(call);
    return {
      answer: (bytes, from, to) => {
        const body = bytes.subarray(from, to);
        if (body.subarray(0, ODD.length).equals(ODD)) return false;
        if (path.endsWith("?held")) this.held.add(call);
        else call.respond();
        return true;
      },
      limitArrival: () => undefined,
      abandon: () => {
        this.abandoned++;
        this.held.delete(call);
      },
    };
  }
}

interface HeldCall {
  readonly path: string;
  respond(): void;
}

/** Answers in the same way once the request is whole. Says in a header how long its body was. */
export const answerPattern: RequestHandler = (request, response) => {
  let bytes = 0;
  request.on("data", (chunk: Buffer) => (bytes += chunk.length));
  request.on("end", () => {
    response.writeHead(200, { "x-from": "node", "x-bytes": String(bytes) });
    response.addTrailers({ "x-last": "1" });
    response.end(pattern(sizeIn(request.url ?? "")));
  });
};

function sizeIn(path: string): number {
  return Number(/\d+/.exec(path)?.[0] ?? 0);
}

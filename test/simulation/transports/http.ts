import { theWorld } from "../world/world.js";

/** One request as a virtual server sees it. */
export interface VirtualRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  /** The host that asks. */
  readonly from: string;
  answer(status: number, body: unknown, headers?: Readonly<Record<string, string>>): void;
  /** Ends the connection without an answer. */
  reset(): void;
}

export type VirtualServer = (request: VirtualRequest) => void;

const servers = new WeakMap<object, Map<string, VirtualServer>>();

/** Microseconds of the client's processor for one answer. */
const COST_OF_ANSWER = 120;

export function listenHttp(hostname: string, server: VirtualServer): void {
  const world = theWorld();
  const known = servers.get(world) ?? new Map<string, VirtualServer>();
  servers.set(world, known);
  known.set(hostname, server);
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: string | null;
}

/** As undici's. */
interface Handler {
  onResponseStart(controller: undefined, status: number, headers: Readonly<Record<string, string>>): void;
  onResponseData(controller: undefined, chunk: Buffer): void;
  onResponseEnd(): void;
  onResponseError(controller: undefined, error: Error): void;
}

/** Stands in for undici's. */
export default class Client {
  readonly #hostname: string;
  #isDestroyed = false;

  constructor(origin: string) {
    this.#hostname = new URL(origin).hostname;
  }

  dispatch({ method, path, body }: Request, handler: Handler): void {
    const { network, scheduler } = theWorld();
    const process = scheduler.current;
    const from = process?.host ?? "world";
    const there = network.pipe(from, this.#hostname, undefined);
    const back = network.pipe(this.#hostname, from, process);
    let isOver = false;
    const answer = (deliver: () => void) =>
      back.send(() => {
        if (isOver || this.#isDestroyed) return;
        isOver = true;
        deliver();
      });
    const fail = (code: string) =>
      answer(() => handler.onResponseError(undefined, Object.assign(new Error(`connect ${code}`), { code })));
    there.send(() => {
      const server = servers.get(theWorld())?.get(this.#hostname);
      if (server === undefined || network.isRefusing(this.#hostname)) fail("ECONNREFUSED");
      else
        server({
          method,
          path,
          body: body ?? "",
          from,
          answer: (status, json, headers = {}) =>
            answer(() => {
              theWorld().scheduler.charge(COST_OF_ANSWER);
              handler.onResponseStart(undefined, status, headers);
              handler.onResponseData(undefined, Buffer.from(JSON.stringify(json)));
              handler.onResponseEnd();
            }),
          reset: () => fail("ECONNRESET"),
        });
    });
  }

  /** It is never disconnected while it idles. */
  on(): this {
    return this;
  }

  destroy(): Promise<void> {
    this.#isDestroyed = true;
    return Promise.resolve();
  }
}

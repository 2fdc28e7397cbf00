import { EventEmitter } from "node:events";
import type { Pipe } from "../world/network.js";
import type { SimProcess } from "../world/sim-process.js";
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

interface Options {
  readonly method: string;
  readonly hostname: string;
  readonly path: string;
}

class ClientRequest extends EventEmitter {
  readonly #options: Options;
  readonly #process: SimProcess | undefined;
  readonly #there: Pipe;
  readonly #back: Pipe;
  #isOver = false;

  constructor(options: Options) {
    super();
    const { network, scheduler } = theWorld();
    this.#options = options;
    this.#process = scheduler.current;
    const from = this.#process?.host ?? "world";
    this.#there = network.pipe(from, options.hostname, undefined);
    this.#back = network.pipe(options.hostname, from, this.#process);
  }

  end(body = ""): void {
    const { network } = theWorld();
    const { method, hostname, path } = this.#options;
    const from = this.#process?.host ?? "world";
    this.#there.send(() => {
      const server = servers.get(theWorld())?.get(hostname);
      if (server === undefined || network.isRefusing(hostname)) {
        this.#back.send(() => this.#fail("ECONNREFUSED"));
        return;
      }
      server({
        method,
        path,
        body,
        from,
        answer: (status, json, headers = {}) =>
          this.#back.send(() => this.#answered(status, JSON.stringify(json), headers)),
        reset: () => this.#back.send(() => this.#fail("ECONNRESET")),
      });
    });
  }

  destroy(): void {
    this.#isOver = true;
  }

  #fail(code: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.emit("error", Object.assign(new Error(`connect ${code}`), { code }));
  }

  #answered(statusCode: number, text: string, headers: Readonly<Record<string, string>>): void {
    if (this.#isOver) return;
    this.#isOver = true;
    theWorld().scheduler.charge(COST_OF_ANSWER);
    const response = Object.assign(new EventEmitter(), { statusCode, headers, complete: true });
    this.emit("response", response);
    response.emit("data", Buffer.from(text));
    response.emit("end");
    response.emit("close");
  }
}

export function request(options: Options): ClientRequest {
  return new ClientRequest(options);
}

export class Agent {
  readonly freeSockets = {};

  destroy(): void {}
}

import { type ClientHttp2Session, connect } from "node:http2";
import { frame } from "../../conformance/harness/raw-http2.js";
import { type RpcServer, startRpcServer } from "../../conformance/harness/rpc-server.js";

export const CHECK_PATH = "/stigg.sidecar.v1.SidecarService/GetBooleanEntitlement";
/** A check of a customer whom the server knows. */
export const CHECK_BODY = frame(Buffer.from("\n\x04acme\x12\x03sso", "latin1"));
/** Few, so that one that is never given back shows at once. */
export const MOST_STREAMS = 20;
const SETTLED_WITHIN_MS = 8_000;
const POLL_MS = 2;

/** The real port with the real handlers, and beside whoever is fuzzing it a caller who does nothing amiss. */
export class FuzzServer {
  readonly #server: RpcServer;
  readonly #innocent: ClientHttp2Session;
  readonly #innocentFailed: Promise<never>;
  /** Open connections and running timers with nobody there but the innocent caller. */
  readonly #connections: number;
  readonly #timers: number;

  private constructor(server: RpcServer, innocent: ClientHttp2Session) {
    this.#server = server;
    this.#innocent = innocent;
    this.#innocentFailed = new Promise((_, reject) => {
      innocent.once("error", (error) =>
        reject(new Error("the connection of a caller who does nothing amiss failed", { cause: error })),
      );
      innocent.once("goaway", (code) =>
        reject(new Error(`a caller who does nothing amiss was sent away with code ${code}`)),
      );
    });
    this.#innocentFailed.catch(() => undefined);
    this.#connections = server.connections();
    this.#timers = runningTimers();
  }

  static async start(): Promise<FuzzServer> {
    const limits = {
      maxConcurrentStreams: MOST_STREAMS,
      refusalTimeoutMs: 50,
      headersTimeoutMs: 1_000,
      firstBytesTimeoutMs: 1_000,
      requestTimeoutMs: 2_000,
      pingIntervalMs: 600_000,
    };
    const server = await startRpcServer({ limits, maxMessageBytes: 64 * 1024 });
    const innocent = connect(server.url);
    await check(innocent);
    return new FuzzServer(server, innocent);
  }

  get port(): number {
    return this.#server.port;
  }

  /** @throws Error where the innocent caller is not answered, or what the other has held is not given back */
  async settle(): Promise<void> {
    await Promise.race([check(this.#innocent), this.#innocentFailed]);
    const until = performance.now() + SETTLED_WITHIN_MS;
    for (;;) {
      const connections = this.#server.connections() - this.#connections;
      const timers = runningTimers() - this.#timers;
      if (connections <= 0 && timers <= 0) break;
      if (performance.now() > until)
        throw new Error(`${connections} connections and ${timers} timers are left when the caller is gone`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const failure = this.#server.logger.lines.find(({ level }) => level === "error");
    this.#server.logger.lines.length = 0;
    if (failure !== undefined)
      throw new Error(`the server logged an error: ${failure.message}`, { cause: failure.fields?.error });
  }

  async stop(): Promise<void> {
    this.#innocent.destroy();
    await this.#server.stop();
  }
}

function runningTimers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
}

/** One check. @throws Error where it is not granted */
function check(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      ":path": CHECK_PATH,
      "content-type": "application/grpc",
      te: "trailers",
    });
    let status: unknown;
    stream.on("response", (headers) => (status ??= headers["grpc-status"]));
    stream.on("trailers", (trailers) => (status ??= (trailers as Record<string, unknown>)["grpc-status"]));
    stream.on("error", reject);
    stream.on("close", () => {
      if (status === "0") resolve();
      else reject(new Error(`a check of a caller who does nothing amiss ended with status ${String(status)}`));
    });
    stream.resume();
    stream.end(CHECK_BODY);
  });
}

import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net";

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** Stands between a client and a server, and makes their network fail. */
export class TcpProxy {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly #server: Server;
  readonly #target: { readonly port: number };
  readonly #pairs = new Set<Pair>();
  readonly #waiting = new Set<(data: Buffer) => void>();
  #delayMs = 0;
  #isHung = false;
  #isRefusing = false;
  #accepted = 0;

  private constructor(server: Server, target: { readonly port: number }) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (client) => this.#join(client));
  }

  static async to(target: { readonly port: number }): Promise<TcpProxy> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TcpProxy(server, target);
  }

  /** How many connections there are now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** How many connections there have been. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Resolves once a client sends something that contains this. */
  sent(text: string): Promise<void> {
    return new Promise((resolve) => {
      const look = (data: Buffer) => {
        if (!data.includes(text)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  /** Resets every connection; new ones are accepted. */
  cut(): void {
    for (const { client, upstream } of this.#pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  /** Cuts, and resets whatever comes, until `heal`. */
  refuse(): void {
    this.#isRefusing = true;
    this.cut();
  }

  /** Passes nothing on any more, in either direction and for new connections too, and says so to nobody. */
  hang(): void {
    this.#isHung = true;
    for (const { client, upstream } of this.#pairs) {
      client.pause();
      upstream.pause();
    }
  }

  /** Whatever the server says arrives that much later. */
  delay(milliseconds: number): void {
    this.#delayMs = milliseconds;
  }

  heal(): void {
    this.#isRefusing = false;
    this.#delayMs = 0;
    this.#isHung = false;
    for (const { client, upstream } of this.#pairs) {
      client.resume();
      upstream.resume();
    }
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const { client, upstream } of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
    await closed;
  }

  #join(client: Socket): void {
    client.on("error", () => {});
    if (this.#isRefusing) {
      client.resetAndDestroy();
      return;
    }
    this.#accepted++;
    const upstream = createConnection({ host: this.host, port: this.#target.port, noDelay: true });
    const pair = { client: client.setNoDelay(true), upstream };
    this.#pairs.add(pair);
    upstream.on("error", () => {});
    client.on("data", (data) => {
      upstream.write(data);
      for (const look of [...this.#waiting]) look(data);
    });
    upstream.on("data", (data) => this.#passOn(data, client));
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.once("close", () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
    if (this.#isHung) {
      client.pause();
      upstream.pause();
    }
  }

  #passOn(data: Buffer, client: Socket): void {
    if (this.#delayMs === 0) client.write(data);
    else setTimeout(() => client.writable && client.write(data), this.#delayMs);
  }
}

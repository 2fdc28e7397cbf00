import { connect, type Socket } from "node:net";
import { fillIn, type Template } from "./calls.js";
import type { LoadConnection, OnSettled } from "./load-connection.js";
import type { RequestSource } from "./request-source.js";
import type { Tally } from "./tally.js";

const HEAD_END = "\r\n\r\n";
const STATUS_AT = "HTTP/1.1 ".length;

/** Connect's JSON over one HTTP/1.1 connection, one request after the other's answer: HTTP/1.1 knows no better. */
export class JsonConnection implements LoadConnection {
  readonly #port: number;
  readonly #source: RequestSource;
  readonly #tally: Tally;
  readonly #onSettled: OnSettled;
  readonly #requests: readonly Template[];
  #socket: Socket | undefined;
  #input: Buffer = Buffer.alloc(0);
  readonly #waiting: number[] = [];
  #isBusy = false;
  #isClosed = false;
  #dueAt = 0;
  inFlight = 0;

  constructor(port: number, source: RequestSource, tally: Tally, onSettled: OnSettled) {
    this.#port = port;
    this.#source = source;
    this.#tally = tally;
    this.#onSettled = onSettled;
    this.#requests = source.calls.map(({ path, json }) => withHead(path, json));
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ port: this.#port, host: "127.0.0.1", noDelay: true });
      socket.once("connect", resolve);
      socket.once("error", reject);
      socket.on("data", (bytes: Buffer) => this.#read(bytes));
      socket.on("close", () => {
        if (!this.#isClosed) this.#tally.failed("the connection was lost");
      });
      this.#socket = socket;
    });
  }

  send(dueAt: number): void {
    this.inFlight++;
    this.#waiting.push(dueAt);
  }

  flush(): void {
    if (this.#isBusy || this.#isClosed) return;
    const dueAt = this.#waiting.shift();
    if (dueAt === undefined) return;
    this.#isBusy = true;
    this.#dueAt = dueAt;
    const source = this.#source;
    source.advance();
    const request = this.#requests[source.call]!;
    const bytes = Buffer.from(request.bytes);
    fillIn(request, bytes, 0, source.customer, source.feature);
    this.#socket?.write(bytes);
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.destroy();
  }

  #read(bytes: Buffer): void {
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    const headEnd = this.#input.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = this.#input.toString("latin1", 0, headEnd);
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined) throw new Error(`an answer of unknown length: ${head}`);
    const end = headEnd + HEAD_END.length + Number(length);
    if (this.#input.length < end) return;
    const status = head.slice(STATUS_AT, STATUS_AT + 3);
    this.#settle(status === "200" && Number(length) > 0 ? undefined : `HTTP ${status}`);
    this.#input = this.#input.subarray(end);
    this.flush();
  }

  #settle(failure: string | undefined): void {
    this.#isBusy = false;
    this.inFlight--;
    if (failure === undefined) this.#tally.answered(performance.now() - this.#dueAt);
    else this.#tally.failed(failure);
    this.#onSettled(this);
  }
}

function withHead(path: string, { bytes, ...places }: Template): Template {
  const head = Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: bench\r\ncontent-type: application/json\r\nconnect-timeout-ms: 1000\r\ncontent-length: ${bytes.length}\r\n\r\n`,
  );
  const behind = (at: number) => (at === -1 ? -1 : head.length + at);
  return {
    bytes: Buffer.concat([head, bytes]),
    customerAt: behind(places.customerAt),
    featureAt: behind(places.featureAt),
    serialAt: behind(places.serialAt),
  };
}

import {
  CONTINUATION,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  grpcFields,
  HEADER_TABLE_SIZE,
  HEADERS,
  headers,
  INITIAL_WINDOW_SIZE,
  PADDED,
  padded,
  ping,
  PREFACE,
  PRIORITY,
  reset,
  settings,
  uint32,
  windowUpdate,
} from "../../integration/http2/http2-frames.js";
import { ByteSource } from "../byte-source.js";
import type { FuzzTarget } from "../fuzz-target.js";
import { CHECK_BODY, CHECK_PATH, FuzzServer, MOST_STREAMS } from "./fuzz-server.js";
import { requestBlock, requestBody } from "./requests.js";
import { WireClient } from "./wire-client.js";

const PRIORITY_FLAG = 0x20;
const MOST_STEPS = 60;
const MOST_FRAME = 16_384;
const ENOUGH_WINDOW = 1_000_000;
/** Of what the checks at the end need of the connection's window. */
const LEAST_UPLOAD_WINDOW = MOST_STREAMS * CHECK_BODY.length;

/**
 * Connections of a client that resets, splits, pads and stops wherever it likes. Whatever it did: nobody else may notice, a
 * connection that is still open must be as good as new once its streams are reset, and nothing may be left when it is closed.
 */
export async function connectionTarget(): Promise<FuzzTarget> {
  const server = await FuzzServer.start();
  return {
    name: "connections",
    maxBytes: 400,
    dictionary: [],
    async run(input) {
      const source = new ByteSource(input);
      const client = new WireClient(server.port);
      const fuzzed = new FuzzedConnection(client, source);
      await fuzzed.run();
      client.socket.destroy();
      await client.until(() => client.isClosed);
      if (client.violations.length > 0) throw new Error(`the server has sent ${client.violations.join("; ")}`);
      await server.settle();
    },
    close: () => server.stop(),
  };
}

class FuzzedConnection {
  readonly #client: WireClient;
  readonly #source: ByteSource;
  /** Streams that were opened, and not reset by this side. */
  readonly #open = new Set<number>();
  #nextStream = 1;
  #unsent: Buffer[] = [];
  /** It has broken a rule, or said that it goes: what the server makes of that is its own. */
  #mayBeEnded = false;
  /**
   * Bytes were sent that are no frames, of which the server may wait for the rest; or a frame that opens a stream which is not counted
   * here, and would be opened again.
   */
  #isOutOfStep = false;

  constructor(client: WireClient, source: ByteSource) {
    this.#client = client;
    this.#source = source;
  }

  async run(): Promise<void> {
    const { unacknowledged } = this.#client;
    this.#client.unacknowledged = unacknowledged + 1;
    this.#send(PREFACE, settings());
    for (let steps = 0; steps < MOST_STEPS && !this.#source.isEmpty && !this.#client.isClosed; steps++)
      await this.#step();
    if (this.#source.seldom(4)) return;
    this.#flush();
    await this.#endWell();
  }

  async #step(): Promise<void> {
    const source = this.#source;
    switch (source.integer(0, 19)) {
      case 0:
      case 1:
      case 2:
      case 3:
        this.#openCall();
        break;
      case 4:
        this.#openCheck();
        break;
      case 5:
      case 6:
        this.#sendBody();
        break;
      case 7:
      case 8: {
        const stream = this.#someStream();
        this.#open.delete(stream);
        this.#send(reset(stream, source.oneOf([8, 0, 1, 5, 0xffff_ffff])));
        break;
      }
      case 9:
        this.#changeSettings();
        break;
      case 10: {
        const bytes = source.oneOf([1, 100, 65_535, 1, 0x7fff_ffff, 0]);
        const stream = source.seldom(2) ? 0 : this.#someStream();
        if (bytes === 0 || bytes > 65_535) this.#mayBeEnded = true;
        else if (stream === 0) this.#client.window += bytes;
        this.#send(windowUpdate(stream, bytes));
        break;
      }
      case 11:
        this.#send(ping(String(source.integer(0, 99))));
        break;
      case 12:
        this.#send(
          frame(
            PRIORITY,
            0,
            source.oneOf([1, 3, 99, 101]),
            Buffer.concat([uint32(source.oneOf([0, 5, 1])), Buffer.of(source.byte())]),
          ),
        );
        // A stream that depends on itself.
        this.#mayBeEnded = true;
        break;
      case 13:
        this.#sendTrailers();
        break;
      case 14:
        this.#anyFrame();
        break;
      case 15:
        this.#mayBeEnded = true;
        if (source.seldom(3)) this.#client.socket.end();
        else if (source.seldom(3)) this.#client.socket.destroy();
        break;
      case 16:
        this.#flush();
        if (!this.#isOutOfStep) await this.#client.caughtUp(`step ${source.byte()}`);
        break;
      case 17:
        this.#flush();
        for (let turns = source.integer(1, 4); turns > 0; turns--)
          await new Promise((resolve) => setImmediate(resolve));
        break;
      case 18:
        if (!source.seldom(4)) break;
        this.#mayBeEnded = true;
        this.#send(frame(GOAWAY, 0, 0, Buffer.concat([uint32(source.oneOf([0, 1])), uint32(source.oneOf([0, 2]))])));
        break;
      default:
        if (!source.seldom(4)) break;
        this.#mayBeEnded = true;
        this.#isOutOfStep = true;
        this.#send(source.take(source.integer(1, 30)));
    }
    // Written in one piece with what comes next, or by itself.
    if (source.seldom(3)) this.#flush();
  }

  #openCall(): void {
    const source = this.#source;
    const stream = this.#takeStream();
    const block = requestBlock(source);
    const isEnd = source.seldom(5);
    const end = isEnd ? END_STREAM : 0;
    switch (source.integer(0, 5)) {
      case 0: {
        const cut = Math.min(source.integer(0, 200), block.length);
        this.#send(
          frame(HEADERS, end, stream, block.subarray(0, cut)),
          frame(CONTINUATION, END_HEADERS, stream, block.subarray(cut)),
        );
        break;
      }
      case 1:
        this.#send(frame(HEADERS, end | END_HEADERS | PADDED, stream, padded(block, source.integer(0, 255))));
        break;
      case 2:
        this.#send(
          frame(HEADERS, end | END_HEADERS | PRIORITY_FLAG, stream, Buffer.concat([uint32(0), Buffer.of(1), block])),
        );
        break;
      default:
        this.#send(frame(HEADERS, end | END_HEADERS, stream, block));
    }
    if (!isEnd && !source.seldom(4)) this.#sendBodyOn(stream);
  }

  #openCheck(): void {
    const stream = this.#takeStream();
    this.#send(headers(stream, grpcFields(CHECK_PATH)));
    this.#send(data(stream, CHECK_BODY, END_STREAM));
  }

  #sendBody(): void {
    this.#sendBodyOn(this.#someStream());
  }

  #sendBodyOn(stream: number): void {
    const source = this.#source;
    const body = requestBody(source);
    const isEnd = !source.seldom(3);
    const cuts = source.oneOf([0, 0, 1, 3]);
    let sent = 0;
    for (let cut = 0; cut <= cuts || sent < body.length; cut++) {
      const left = Math.min(body.length - sent, MOST_FRAME - 256);
      const size = cut < cuts ? Math.min(left, source.integer(0, 30)) : left;
      const piece = body.subarray(sent, sent + size);
      sent += size;
      const end = isEnd && sent === body.length && cut >= cuts ? END_STREAM : 0;
      const payload = source.seldom(6) ? padded(piece, source.integer(0, 255)) : piece;
      const flags = payload === piece ? 0 : PADDED;
      // More than the server allows breaks a rule.
      this.#client.uploadWindow -= payload.length;
      if (this.#client.uploadWindow < 0) this.#mayBeEnded = true;
      this.#send(data(stream, payload, end | flags));
    }
  }

  #sendTrailers(): void {
    const stream = this.#someStream();
    this.#mayBeEnded = true;
    if (stream >= this.#nextStream) this.#isOutOfStep = true;
    this.#send(headers(stream, [["x-trailer", "1"]], this.#source.oneOf([END_HEADERS | END_STREAM, END_HEADERS])));
  }

  #changeSettings(): void {
    const source = this.#source;
    const setting = source.oneOf([INITIAL_WINDOW_SIZE, INITIAL_WINDOW_SIZE, HEADER_TABLE_SIZE, 5, 3, 2, 6, 99]);
    const value = source.oneOf([0, 1, 100, 4_096, 65_535, 16_384, 16_777_215, 0x7fff_ffff, 0xffff_ffff]);
    const isHarmless =
      (setting === HEADER_TABLE_SIZE && value <= 4_096) ||
      (setting === INITIAL_WINDOW_SIZE && value <= 65_535) ||
      setting === 3 ||
      setting === 6 ||
      setting === 99;
    if (!isHarmless) this.#mayBeEnded = true;
    this.#client.unacknowledged++;
    this.#send(settings([setting, value]));
  }

  #anyFrame(): void {
    const source = this.#source;
    this.#mayBeEnded = true;
    const type = source.integer(0, 12);
    const stream = source.seldom(3) ? source.oneOf([0, 2, 1, 0x7fff_ffff]) : this.#someStream();
    const payload = source.take(source.integer(0, 20));
    if (type === HEADERS && stream >= this.#nextStream) this.#isOutOfStep = true;
    // What it opens or acknowledges is not counted: after it, acknowledgements and windows are no longer judged.
    this.#client.unacknowledged++;
    this.#client.window += ENOUGH_WINDOW * 1_000;
    this.#send(frame(type, source.byte(), stream, payload));
  }

  /** Of those opened, also when they are over; seldom one that was never opened. */
  #someStream(): number {
    const newest = Math.max(1, this.#nextStream - 2);
    if (this.#nextStream === 1 || this.#source.seldom(16)) {
      this.#mayBeEnded = true;
      return this.#source.oneOf([newest, this.#nextStream, this.#nextStream + 10]);
    }
    const stream = Math.max(1, newest - 2 * this.#source.integer(0, 7));
    // It may be over already.
    this.#mayBeEnded = true;
    return stream;
  }

  #takeStream(): number {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#open.add(stream);
    return stream;
  }

  /** Resets what is open. Where the connection goes on, as many checks as it may hold are answered on it at once. */
  async #endWell(): Promise<void> {
    const client = this.#client;
    if (this.#isOutOfStep) {
      client.socket.end();
      await client.until(() => client.isClosed);
      return;
    }
    for (const stream of this.#open) if (!client.isOver(stream)) client.write(reset(stream));
    client.unacknowledged += 2;
    client.write(settings([INITIAL_WINDOW_SIZE, 65_535], [5, MOST_FRAME]));
    if (client.window < ENOUGH_WINDOW) {
      client.window += ENOUGH_WINDOW;
      client.write(windowUpdate(0, ENOUGH_WINDOW));
    }
    if (!(await client.caughtUp("the end"))) {
      if (!this.#mayBeEnded)
        throw new Error(`a connection that has broken no rule was ended with code ${client.goAway}`);
      // It is closed by the server, soon, where this side keeps it open.
      await client.until(() => client.isClosed);
      return;
    }
    if (client.uploadWindow < LEAST_UPLOAD_WINDOW)
      throw new Error(`all streams are over, and ${client.uploadWindow} bytes may be sent on the connection`);
    const checks = Array.from({ length: MOST_STREAMS }, () => this.#takeStream());
    client.write(
      Buffer.concat(
        checks.flatMap((stream) => [headers(stream, grpcFields(CHECK_PATH)), data(stream, CHECK_BODY, END_STREAM)]),
      ),
    );
    const areAnswered = await client.until(() => checks.every((stream) => client.isOver(stream)));
    if (!areAnswered) {
      if (client.goAway === undefined || !this.#mayBeEnded)
        throw new Error(
          `the connection was closed with code ${client.goAway} instead of answering ${checks.length} checks`,
        );
      return;
    }
    const statuses = checks.map(
      (stream) => client.seen(stream).headers.get("grpc-status") ?? `reset ${client.seen(stream).reset}`,
    );
    if (statuses.some((status) => status !== "0"))
      throw new Error(`checks at the end ended with ${[...new Set(statuses)].join(", ")}`);
  }

  #send(...frames: readonly Buffer[]): void {
    this.#unsent.push(...frames);
  }

  #flush(): void {
    if (this.#unsent.length === 0) return;
    this.#client.write(Buffer.concat(this.#unsent));
    this.#unsent = [];
  }
}

import { once } from "node:events";
import { WebSocket } from "ws";
import type { Child } from "./child.js";

interface Reply {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** Speaks to the inspector of a process that was started with INSPECTED. */
export class Inspector {
  readonly #socket: WebSocket;
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async connect(child: Child): Promise<Inspector> {
    return Inspector.open(await inspectorUrlOf(child));
  }

  /** @param url as `inspectorUrlOf` gives it */
  static async open(url: string): Promise<Inspector> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, "open");
    return new Inspector(socket);
  }

  /** A method of the Chrome DevTools protocol. @throws Error as the process answers */
  call(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      const onMessage = (data: Buffer) => {
        const reply = JSON.parse(data.toString()) as Reply;
        if (reply.id !== id) return;
        this.#socket.off("message", onMessage);
        if (reply.error === undefined) resolve(reply.result);
        else reject(new Error(`${method}: ${reply.error.message}`));
      };
      this.#socket.on("message", onMessage);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** Where a process that was started with INSPECTED can be inspected. */
export async function inspectorUrlOf(child: Child): Promise<string> {
  const [, url = ""] = await child.printed(/listening on (ws:\S+)/);
  return url;
}

/** Given to Node so that a process can be inspected. */
export const INSPECTED = "--inspect=127.0.0.1:0";

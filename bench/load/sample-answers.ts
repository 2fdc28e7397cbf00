import { once } from "node:events";
import { connect } from "node:http2";
import { CALL_NAMES, callsOf } from "./calls.js";

/** One answer as it went over the wire. */
export interface SampleAnswer {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  /** Base64, without gRPC's prefix. */
  readonly message: string;
}

const GRPC_PREFIX_BYTES = 5;
/** Made by Node for each answer. */
const MADE_BY_NODE = new Set([":status", "date", "connection", "keep-alive"]);

/** One answer of each method. */
export async function sampleAnswers(port: number): Promise<readonly SampleAnswer[]> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const answers: SampleAnswer[] = [];
    for (const { path, message } of callsOf(CALL_NAMES)) {
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      const prefix = Buffer.alloc(GRPC_PREFIX_BYTES);
      prefix.writeUInt32BE(message.bytes.length, 1);
      stream.end(Buffer.concat([prefix, message.bytes]));
      const chunks: Buffer[] = [];
      let headers = {};
      let trailers: Record<string, string> = {};
      stream.on("response", (received) => (headers = received));
      stream.on(
        "trailers",
        (received) => (trailers = Object.fromEntries(Object.entries(received)) as Record<string, string>),
      );
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      await once(stream, "close");
      if (trailers["grpc-status"] !== "0")
        throw new Error(`${path} was answered ${JSON.stringify({ headers, trailers })}`);
      const kept = Object.entries(headers).filter(([name]) => !MADE_BY_NODE.has(name));
      answers.push({
        path,
        headers: Object.fromEntries(kept) as Record<string, string>,
        trailers: { "grpc-status": "0" },
        message: Buffer.concat(chunks).subarray(GRPC_PREFIX_BYTES).toString("base64"),
      });
    }
    return answers;
  } finally {
    session.destroy();
  }
}

/** The same of Connect's JSON over HTTP/1.1, with the headers of the service's own. */
export async function sampleJsonAnswers(port: number): Promise<readonly SampleAnswer[]> {
  const answers: SampleAnswer[] = [];
  for (const { path, json } of callsOf(CALL_NAMES)) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new Uint8Array(json.bytes),
    });
    const message = Buffer.from(await response.arrayBuffer());
    if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${message.toString()}`);
    const kept = [...response.headers].filter(([name]) => !MADE_BY_NODE.has(name));
    answers.push({ path, headers: Object.fromEntries(kept), trailers: {}, message: message.toString("base64") });
  }
  return answers;
}

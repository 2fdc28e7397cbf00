import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** A span as it was received; ids in hex. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** 1: internal, 2: server, 3: client, 5: consumer. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

interface JsonAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, string | number | boolean>>;
}

/** Takes what OTLP over HTTP sends, in JSON and in protobuf, as a collector does. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** Data points by metric. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- OTLP's JSON, as it comes
  readonly metrics = new Map<string, any>();
  readonly requests: { readonly path: string; readonly type: string; readonly authorization: string | undefined }[] =
    [];
  /** Of what sends, in JSON. */
  resource: Readonly<Record<string, string | number | boolean>> = {};
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { url: path = "", headers } = request;
        const type = headers["content-type"] ?? "";
        this.requests.push({ path, type, authorization: headers.authorization });
        const body = Buffer.concat(chunks);
        if (path === "/v1/traces") this.spans.push(...(type.includes("json") ? this.#fromJson(body) : spansIn(body)));
        else if (type.includes("json")) this.#takeMetrics(body);
        response.writeHead(200, { "content-type": type }).end(type.includes("json") ? "{}" : undefined);
      });
    });
  }

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  named(name: string): readonly ReceivedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  #fromJson(body: Buffer): ReceivedSpan[] {
    const { resourceSpans } = JSON.parse(body.toString()) as {
      readonly resourceSpans: readonly {
        readonly resource: { readonly attributes: readonly JsonAttribute[] };
        readonly scopeSpans: readonly {
          readonly spans: readonly (ReceivedSpan & { readonly attributes: readonly JsonAttribute[] })[];
        }[];
      }[];
    };
    for (const { resource } of resourceSpans) this.resource = valuesOf(resource.attributes);
    return resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) =>
        spans.map((span) => ({
          ...span,
          parentSpanId: (span.parentSpanId as string | undefined) ?? "",
          attributes: valuesOf(span.attributes as unknown as readonly JsonAttribute[]),
        })),
      ),
    );
  }

  #takeMetrics(body: Buffer): void {
    const { resourceMetrics } = JSON.parse(body.toString()) as {
      readonly resourceMetrics: readonly {
        readonly scopeMetrics: readonly { readonly metrics: readonly { readonly name: string }[] }[];
      }[];
    };
    for (const { scopeMetrics } of resourceMetrics)
      for (const { metrics } of scopeMetrics) for (const metric of metrics) this.metrics.set(metric.name, metric);
  }
}

function valuesOf(attributes: readonly JsonAttribute[]): Record<string, string | number | boolean> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0] ?? ""]));
}

/** By the numbers of trace.proto: resource_spans 1, scope_spans 2, spans 2; of a span its ids, name and kind. */
function spansIn(body: Uint8Array): ReceivedSpan[] {
  return messagesIn(body, 1)
    .flatMap((ofResource) => messagesIn(ofResource, 2))
    .flatMap((ofScope) => messagesIn(ofScope, 2))
    .map((span) => {
      const hex = (field: number) => Buffer.from(messagesIn(span, field)[0] ?? []).toString("hex");
      const name = Buffer.from(messagesIn(span, 5)[0] ?? []).toString();
      return { traceId: hex(1), spanId: hex(2), parentSpanId: hex(4), name, kind: kindOf(span), attributes: {} };
    });
}

function messagesIn(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === wanted && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, field);
  }
  return found;
}

function kindOf(span: Uint8Array): number {
  const reader = new BinaryReader(span);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 6 && type === WireType.Varint) return reader.int32();
    reader.skip(type, field);
  }
  return 0;
}

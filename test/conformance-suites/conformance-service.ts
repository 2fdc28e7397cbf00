import { setTimeout as delay } from "node:timers/promises";
import { create, type DescMessage, type DescService, type FileRegistry, type Message } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type {
  BidiStreamRequest,
  ErrorDefinition,
  ProtoHeader,
  ResponseMetadata,
  ServerStreamRequest,
  StreamResponseDefinition,
  UnaryRequest,
  UnaryResponseDefinition,
} from "./conformance-messages.js";

const PACKAGE = "connectrpc.conformance.v1";

/**
 * The reference service of the Connect conformance suite: it answers as each request says that it is to, and repeats what it
 * was sent. `Unimplemented` is left out, as the suite demands.
 */
export function conformanceService(registry: FileRegistry): ServiceImpl<DescService> {
  const payloadInfo = messageNamed("ConformancePayload.RequestInfo");

  function messageNamed(name: string): DescMessage {
    const found = registry.getMessage(`${PACKAGE}.${name}`);
    if (found === undefined) throw new Error(`the suite's protos have no message ${name}`);
    return found;
  }

  function requestInfo(requests: readonly Message[], context: HandlerContext): Message {
    const query = context.requestMethod === "GET" ? new URL(context.url).searchParams : undefined;
    return create(payloadInfo, {
      requestHeaders: namedValues(context.requestHeader),
      // What the port has made a deadline of, as it was sent: of the rest of it the suite would mind what has passed.
      timeoutMs: context.timeoutMs() === undefined ? undefined : timeoutSent(context.requestHeader),
      requests: packed(requests),
      connectGetInfo: query === undefined ? undefined : { queryParams: namedValues(query) },
    });
  }

  function packed(requests: readonly Message[]) {
    return requests.map((request) => anyPack(registry.getMessage(request.$typeName) as DescMessage, request));
  }

  /** @param info goes with an error in place of any answer */
  function asConnectError({ code, message, details }: ErrorDefinition, info: Message | undefined): ConnectError {
    const error = new ConnectError(message ?? "", code);
    error.details = details.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value }));
    if (info !== undefined) error.details.push({ desc: payloadInfo, value: info as never });
    return error;
  }

  async function answerOnce(
    definition: UnaryResponseDefinition | undefined,
    requests: readonly Message[],
    context: HandlerContext,
  ) {
    const info = requestInfo(requests, context);
    if (definition === undefined) return { payload: { requestInfo: info } };
    announce(definition, context);
    await delay(definition.responseDelayMs);
    const { response } = definition;
    if (response.case === "error") throw asConnectError(response.value, info);
    return { payload: { data: response.value, requestInfo: info } };
  }

  async function* answerMany(
    { responseData, responseDelayMs, error }: StreamResponseDefinition,
    requests: readonly Message[],
    context: HandlerContext,
    from = 0,
  ) {
    for (const [index, data] of responseData.entries()) {
      if (index < from) continue;
      await delay(responseDelayMs);
      yield { payload: { data, requestInfo: index === 0 ? requestInfo(requests, context) : undefined } };
    }
    if (error !== undefined)
      throw asConnectError(error, responseData.length === 0 ? requestInfo(requests, context) : undefined);
  }

  /** One answer for each request, for as long as there are answers; those left over follow when the requests end. */
  async function* answerInTurn(
    definition: StreamResponseDefinition,
    first: BidiStreamRequest,
    rest: AsyncIterator<BidiStreamRequest>,
    context: HandlerContext,
  ) {
    let answered = 0;
    let request: BidiStreamRequest | undefined = first;
    while (request !== undefined && answered < definition.responseData.length) {
      await delay(definition.responseDelayMs);
      const info = answered === 0 ? requestInfo([request], context) : { requests: packed([request]) };
      yield { payload: { data: definition.responseData[answered], requestInfo: info } };
      answered++;
      request = await nextOf(rest);
    }
    yield* answerMany(definition, request === undefined ? [] : [request], context, answered);
  }

  const implementation = {
    unary: (request: UnaryRequest, context: HandlerContext) =>
      answerOnce(request.responseDefinition, [request], context),
    idempotentUnary: (request: UnaryRequest, context: HandlerContext) =>
      answerOnce(request.responseDefinition, [request], context),

    async clientStream(requests: AsyncIterable<UnaryRequest>, context: HandlerContext) {
      const received: UnaryRequest[] = [];
      for await (const request of requests) received.push(request);
      return answerOnce(received[0]?.responseDefinition, received, context);
    },

    async *serverStream(request: ServerStreamRequest, context: HandlerContext) {
      const definition = request.responseDefinition;
      if (definition === undefined) return;
      announce(definition, context);
      yield* answerMany(definition, [request], context);
    },

    async *bidiStream(requests: AsyncIterable<BidiStreamRequest>, context: HandlerContext) {
      const iterator = requests[Symbol.asyncIterator]();
      const first = await nextOf(iterator);
      const definition = first?.responseDefinition;
      if (first !== undefined && definition !== undefined) announce(definition, context);
      if (first?.fullDuplex === true && definition !== undefined) {
        yield* answerInTurn(definition, first, iterator, context);
        return;
      }
      const received: BidiStreamRequest[] = [];
      for (let next = first; next !== undefined; next = await nextOf(iterator)) received.push(next);
      if (definition !== undefined) yield* answerMany(definition, received, context);
    },
  };
  return implementation as unknown as ServiceImpl<DescService>;
}

const MS_OF_UNIT: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

function timeoutSent(headers: Headers): bigint {
  const [, value, unit = "m"] =
    /^(\d+)([HMSmun])?$/.exec(headers.get("grpc-timeout") ?? headers.get("connect-timeout-ms") ?? "") ?? [];
  return BigInt(Math.trunc(Number(value ?? "0") * (MS_OF_UNIT[unit] ?? 1)));
}

function announce({ responseHeaders, responseTrailers }: ResponseMetadata, context: HandlerContext): void {
  append(responseHeaders, context.responseHeader);
  append(responseTrailers, context.responseTrailer);
}

function append(from: readonly ProtoHeader[], to: Headers): void {
  for (const { name, value } of from) for (const each of value) to.append(name, each);
}

function namedValues(entries: Iterable<[string, string]>): ProtoHeader[] {
  return Array.from(entries, ([name, value]) => ({ name, value: [value] }));
}

async function nextOf<T>(iterator: AsyncIterator<T, unknown>): Promise<T | undefined> {
  const next = await iterator.next();
  return next.done === true ? undefined : next.value;
}

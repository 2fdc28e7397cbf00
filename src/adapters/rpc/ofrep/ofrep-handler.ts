import { Code } from "@connectrpc/connect";
import { CodedError } from "../../../domain/errors.js";
import { endCallSpan, type GeneralTrace, originOf, startGeneralSpan, traceHeadersOf } from "../call/call-trace.js";
import type { Calls } from "../call/calls.js";
import { protocolIndex, type ServedMethod } from "../call/served-method.js";
import type { Exchange, ExchangeHandler, HeaderField } from "../exchange/exchange.js";
import { answerFields } from "../protocols/answer-headers.js";
import type { CrossOrigin } from "../protocols/general-path.js";
import { arrivingWithin, type BodyOptions, endingInTurn } from "../protocols/universal-request.js";
import { OFREP_METHODS } from "../service/served-methods.js";
import {
  codeOfFault,
  faultText,
  FLAGS,
  keyOf,
  OfrepFault,
  RETRY_AFTER,
  statusOfFailure,
  statusOfFault,
} from "./evaluation-context.js";
import { etagOf, type OfrepAnswer, type OfrepCalls } from "./ofrep-calls.js";

const PREFIX = "/ofrep/v1/";
const PROTOCOL = protocolIndex("ofrep");
const JSON_TYPE: HeaderField = ["content-type", "application/json"];
const NO_FIELDS: readonly HeaderField[] = [];

/** What clients may know of this service before they ask. Usage changes what is granted, so nothing is to be kept for long. */
const CONFIGURATION = JSON.stringify({
  name: "entitlement-sidecar",
  capabilities: {
    cacheInvalidation: { polling: { enabled: true, minPollingIntervalMs: 1_000 } },
    flagEvaluation: { supportedTypes: ["int", "float", "string", "boolean", "object"] },
    caching: { enabled: false },
  },
});

interface OfrepHandlerOptions extends BodyOptions {
  readonly crossOrigin?: CrossOrigin | undefined;
}

/**
 * Serves the OpenFeature Remote Evaluation Protocol: `POST /ofrep/v1/evaluate/flags[/{key}]`, `GET /ofrep/v1/configuration`.
 *
 * @param others serves every other request
 */
export function withOfrep(
  ofrep: OfrepCalls,
  calls: Calls,
  options: OfrepHandlerOptions,
  others: ExchangeHandler,
): ExchangeHandler {
  const { crossOrigin } = options;

  return async (exchange) => {
    if (!exchange.target.startsWith(PREFIX)) return others(exchange);
    if (crossOrigin?.answerPreflight(exchange) === true) return;
    const fields = crossOrigin === undefined ? NO_FIELDS : crossOrigin.headersFor(exchange.header("origin"));
    const path = pathOf(exchange.target);
    const method = methodOf(path);
    const startedAt = performance.now();
    let code: Code | 0 = Code.Unknown;
    const headers = traceHeadersOf(exchange);
    const span = startGeneralSpan(calls.tracer, method, PROTOCOL, headers);
    calls.began();
    try {
      code = await serve(exchange, path, method, fields, { headers, span });
    } finally {
      calls.ended(method, PROTOCOL, code, startedAt);
      if (span !== undefined) endCallSpan(span, PROTOCOL, code);
    }
  };

  /** @returns the code with which the call ended */
  async function serve(
    exchange: Exchange,
    path: string,
    method: ServedMethod,
    fields: readonly HeaderField[],
    { headers, span }: GeneralTrace,
  ): Promise<Code | 0> {
    const key = method === OFREP_METHODS.evaluate ? keyOf(path) : undefined;
    try {
      const { authority, peer } = exchange;
      const refusal = calls.refusalOf(
        method,
        calls.callerOf({ authorization: exchange.header("authorization"), authority, peer }),
      );
      if (refusal !== undefined) throw refusal;
      if (method === OFREP_METHODS.configuration) return answerConfiguration(exchange, path, fields);
      if (exchange.method !== "POST") return answerVerb(exchange, "POST", fields);
      if (
        !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(exchange.header("content-type") ?? "") ||
        exchange.header("content-encoding") !== undefined
      ) {
        return answerFault(
          exchange,
          415,
          Code.InvalidArgument,
          new OfrepFault("PARSE_ERROR", "send the content-type application/json, not compressed"),
          key,
          fields,
        );
      }
      const body = await wholeBody(exchange, options, calls);
      const context = {
        deadlineAt: undefined,
        // Made when it is asked for, which a cached customer's evaluation does not.
        get signal() {
          return exchange.signal;
        },
        origin: originOf(headers),
        span,
        takeTurn: () => calls.takeTurn(peer),
      };
      const outcome =
        key === undefined ? await ofrep.evaluateAll(body, context) : await ofrep.evaluate(key, body, context);
      if (outcome instanceof OfrepFault)
        return answerFault(exchange, statusOfFault(outcome), codeOfFault(outcome), outcome, key, fields);
      return answer(exchange, outcome, fields);
    } catch (error) {
      const failure = calls.failureOf(error, exchange.signal, method.name, headers);
      return answerFault(
        exchange,
        statusOfFailure(failure),
        failure.code,
        new OfrepFault("GENERAL", failure.rawMessage),
        key,
        fields,
      );
    }
  }
}

function answer(exchange: Exchange, { text, origin, etag }: OfrepAnswer, fields: readonly HeaderField[]): 0 {
  const allFields = [...fields, ...answerFields(origin)];
  if (etag === undefined) exchange.send(200, [...allFields, JSON_TYPE], text);
  else answerUnlessKnown(exchange, text, etag, allFields);
  return 0;
}

/** What the client has already is not sent again. */
function answerUnlessKnown(exchange: Exchange, text: string, etag: string, fields: readonly HeaderField[]): void {
  const isKnown =
    exchange
      .header("if-none-match")
      ?.split(",")
      .some((given) => given.trim().replace(/^W\//, "") === etag || given.trim() === "*") === true;
  if (isKnown) exchange.respond(304, [...fields, ["etag", etag]], true);
  else exchange.send(200, [...fields, JSON_TYPE, ["etag", etag]], text);
}

function answerConfiguration(exchange: Exchange, path: string, fields: readonly HeaderField[]): Code | 0 {
  if (path !== `${PREFIX}configuration`) {
    return answerFault(
      exchange,
      404,
      Code.Unimplemented,
      new OfrepFault("GENERAL", `there is nothing here: POST to ${FLAGS}/<feature id> or ${FLAGS}`),
      undefined,
      fields,
    );
  }
  if (exchange.method !== "GET" && exchange.method !== "HEAD") return answerVerb(exchange, "GET", fields);
  answerUnlessKnown(exchange, CONFIGURATION, CONFIGURATION_ETAG, fields);
  return 0;
}

const CONFIGURATION_ETAG = etagOf(CONFIGURATION);

function answerVerb(exchange: Exchange, verb: string, fields: readonly HeaderField[]): Code {
  return answerFault(
    exchange,
    405,
    Code.InvalidArgument,
    new OfrepFault("GENERAL", `call this by ${verb}`),
    undefined,
    [...fields, ["allow", verb]],
  );
}

function answerFault(
  exchange: Exchange,
  status: number,
  code: Code,
  fault: OfrepFault,
  key: string | undefined,
  fields: readonly HeaderField[],
): Code {
  const later = code === Code.ResourceExhausted ? [RETRY_AFTER] : NO_FIELDS;
  exchange.send(status, [...fields, JSON_TYPE, ...later], faultText(key, fault));
  return code;
}

async function wholeBody(
  { httpVersion, body, peer }: Exchange,
  { bodyTimeoutMs, clock, maxMessageBytes }: BodyOptions,
  calls: Calls,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // HTTP/1.1 has a limit of its own.
  const arriving = httpVersion === "1.1" ? body : arrivingWithin(bodyTimeoutMs, body, clock);
  for await (const chunk of endingInTurn(arriving, () => calls.takeTurn(peer))) {
    bytes += chunk.length;
    if (bytes > maxMessageBytes)
      throw new CodedError(
        "resource-exhausted",
        `the request is larger than ${maxMessageBytes} bytes (MAX_MESSAGE_BYTES): send less at once`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function methodOf(path: string): ServedMethod {
  if (path === FLAGS || path === `${FLAGS}/`) return OFREP_METHODS.evaluateAll;
  return path.startsWith(`${FLAGS}/`) ? OFREP_METHODS.evaluate : OFREP_METHODS.configuration;
}

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query === -1 ? target : target.slice(0, query);
}

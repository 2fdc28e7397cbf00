import { Code, type ConnectError } from "@connectrpc/connect";
import { isIdTooLong, isWellFormed } from "../../../domain/subject.js";
import type { HeaderField } from "../exchange/exchange.js";
import { jsonFault, type ShapeBounds } from "../protocols/message-shape.js";
import { quoted } from "../service/request-reader.js";

/** In which form an evaluation says what is known: OpenFeature's clients accept only the type that they ask for. */
const VALUE_FORMS = ["boolean", "number", "string", "object"] as const;

export type ValueForm = (typeof VALUE_FORMS)[number];

/** What an evaluation is about: the members of OpenFeature's context that have a meaning here. All others are ignored. */
export interface EvaluationContext {
  /** The targeting key. */
  readonly customerId: string;
  readonly resourceId: string | undefined;
  readonly requestedUsage: number | undefined;
  readonly requestedValues: readonly string[];
  /** Undefined: the form that fits the feature's kind. */
  readonly valueAs: ValueForm | undefined;
}

export interface ContextBounds extends ShapeBounds {
  readonly maxIdBytes: number;
}

/** Why a request cannot be evaluated, with OpenFeature's code for it. */
export class OfrepFault {
  readonly errorCode: "PARSE_ERROR" | "TARGETING_KEY_MISSING" | "INVALID_CONTEXT" | "FLAG_NOT_FOUND" | "GENERAL";
  readonly errorDetails: string;

  constructor(errorCode: OfrepFault["errorCode"], errorDetails: string) {
    this.errorCode = errorCode;
    this.errorDetails = errorDetails;
  }
}

const NO_VALUES: readonly string[] = [];
const NO_KEY = new OfrepFault(
  "TARGETING_KEY_MISSING",
  'context.targetingKey is missing: send the id of the customer in it, as {"context":{"targetingKey":"customer-1"}}',
);

/** Two such ids would be one wherever they are encoded: in Redis, and at upstream. */
const NO_TEXT = "has half of a character (a lone surrogate): send text that UTF-8 can encode";

/** Reads the body of a request. */
export function readEvaluationContext(body: Buffer, bounds: ContextBounds): EvaluationContext | OfrepFault {
  const shapeFault = jsonFault(body, bounds);
  if (shapeFault !== undefined) return new OfrepFault("PARSE_ERROR", shapeFault);
  let request: unknown;
  try {
    request = JSON.parse(body.toString());
  } catch (error) {
    return new OfrepFault(
      "PARSE_ERROR",
      `the body is not JSON (${(error as Error).message}): send {"context":{"targetingKey":"customer-1"}}`,
    );
  }
  if (!isObject(request))
    return new OfrepFault("PARSE_ERROR", 'the body is no JSON object: send {"context":{"targetingKey":"customer-1"}}');
  const { context } = request;
  if (context === undefined || context === null) return NO_KEY;
  if (!isObject(context)) return invalid("context is no object");
  return readMembers(context, bounds.maxIdBytes);
}

function readMembers(context: Readonly<Record<string, unknown>>, maxIdBytes: number): EvaluationContext | OfrepFault {
  const { targetingKey, resourceId, requestedUsage, requestedValues, valueAs } = context;
  if (targetingKey === undefined || targetingKey === null || targetingKey === "") return NO_KEY;
  if (typeof targetingKey !== "string")
    return invalid("context.targetingKey is no string: send the id of the customer");
  if (!isWellFormed(targetingKey)) return invalid(`context.targetingKey ${NO_TEXT}`);
  if (isIdTooLong(targetingKey, maxIdBytes))
    return invalid(`context.targetingKey is longer than ${maxIdBytes} bytes (MAX_ID_BYTES): send a shorter id`);
  if (resourceId !== undefined && resourceId !== null && typeof resourceId !== "string")
    return invalid("context.resourceId is no string: send the id of the resource");
  if (typeof resourceId === "string" && !isWellFormed(resourceId)) return invalid(`context.resourceId ${NO_TEXT}`);
  if (typeof resourceId === "string" && isIdTooLong(resourceId, maxIdBytes))
    return invalid(`context.resourceId is longer than ${maxIdBytes} bytes (MAX_ID_BYTES): send a shorter id`);
  const hasUsage = requestedUsage !== undefined && requestedUsage !== null;
  if (hasUsage && (typeof requestedUsage !== "number" || !Number.isFinite(requestedUsage) || requestedUsage < 0)) {
    return invalid("context.requestedUsage is no number from 0 on: send how much the customer is about to use");
  }
  const hasValues = requestedValues !== undefined && requestedValues !== null;
  if (hasValues && !isListOfTexts(requestedValues)) return invalid("context.requestedValues is no list of strings");
  const hasForm = valueAs !== undefined && valueAs !== null;
  if (hasForm && !isValueForm(valueAs)) {
    return invalid(
      `context.valueAs is ${quoted(JSON.stringify(valueAs))}: send one of ${VALUE_FORMS.join(", ")}, or leave it out`,
    );
  }
  return {
    customerId: targetingKey,
    resourceId: typeof resourceId === "string" && resourceId !== "" ? resourceId : undefined,
    requestedUsage: hasUsage ? requestedUsage : undefined,
    requestedValues: hasValues ? requestedValues : NO_VALUES,
    valueAs: hasForm ? valueAs : undefined,
  };
}

function invalid(errorDetails: string): OfrepFault {
  return new OfrepFault("INVALID_CONTEXT", errorDetails);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isListOfTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isValueForm(value: unknown): value is ValueForm {
  return (VALUE_FORMS as readonly unknown[]).includes(value);
}

/** Where flags are evaluated: all of them, or with "/" and a key behind it one. */
export const FLAGS = "/ofrep/v1/evaluate/flags";

/** Seconds. */
export const RETRY_AFTER: HeaderField = ["retry-after", "1"];

/** Which of the protocol's codes a fault is answered with. */
const STATUS: Readonly<Record<OfrepFault["errorCode"], number>> = {
  PARSE_ERROR: 400,
  TARGETING_KEY_MISSING: 400,
  INVALID_CONTEXT: 400,
  FLAG_NOT_FOUND: 404,
  GENERAL: 500,
};

const CODES: Readonly<Record<OfrepFault["errorCode"], Code>> = {
  PARSE_ERROR: Code.InvalidArgument,
  TARGETING_KEY_MISSING: Code.InvalidArgument,
  INVALID_CONTEXT: Code.InvalidArgument,
  FLAG_NOT_FOUND: Code.NotFound,
  GENERAL: Code.Unavailable,
};

/** The statuses that the protocol has: clients take no other. */
const STATUS_OF_FAILURE: ReadonlyMap<Code, number> = new Map([
  [Code.InvalidArgument, 400],
  [Code.Unauthenticated, 401],
  [Code.PermissionDenied, 403],
  [Code.ResourceExhausted, 429],
]);

export function statusOfFault({ errorCode }: OfrepFault): number {
  return STATUS[errorCode];
}

export function codeOfFault({ errorCode }: OfrepFault): Code {
  return CODES[errorCode];
}

/** Of a call that failed before its flag was looked at. */
export function statusOfFailure({ code }: ConnectError): number {
  return STATUS_OF_FAILURE.get(code) ?? 500;
}

/** The body of a failed evaluation. @param key undefined for that of all flags */
export function faultText(key: string | undefined, { errorCode, errorDetails }: OfrepFault): string {
  return JSON.stringify({ key, errorCode, errorDetails });
}

/** Clients send ids as they are, or percent-encoded: what is not well encoded is taken as it is. */
export function keyOf(path: string): string {
  const key = path.slice(FLAGS.length + 1);
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

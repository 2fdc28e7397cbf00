import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import {
  ALL_FEATURES,
  BOOLEAN_FEATURES,
  customerIdOf,
  FEATURE_COUNT,
  featureIdOf,
  hasAccess,
  METERED_FEATURES,
} from "../world/customers.js";

/** The methods that are called. */
export const CALL_NAMES = ["boolean", "metered", "any", "v2", "list"] as const;
/** Those that change something. Each event has a key of its own. */
export const REPORT_NAMES = ["usage", "event"] as const;
export type CallName = (typeof CALL_NAMES)[number] | (typeof REPORT_NAMES)[number];

/** One method: what is sent to it and what is expected of it. */
export interface Call {
  readonly path: string;
  readonly message: Template;
  readonly json: Template;
  readonly features: readonly number[];
  /** @returns what is wrong with an answer to this customer; undefined where it is right */
  faultOf(answer: Uint8Array, customer: number, feature: number): string | undefined;
}

/** A message in which nothing but the digits of the ids changes. */
export interface Template {
  readonly bytes: Buffer;
  readonly customerAt: number;
  /** -1 where no feature is asked for. */
  readonly featureAt: number;
  /** Where a number is that no other request has; -1 where there is none. */
  readonly serialAt: number;
}

const SERIAL_DIGITS = 10;
/** In place of a number in a template. */
const SERIAL = "key-0000000000";
/** The event that the bench's catalog counts. */
export const EVENT_NAME = "bench-event";
let lastSerial = 0;

interface Decision {
  readonly hasAccess: boolean;
  readonly isFallback: boolean;
}

const { method } = SidecarService;

export function callsOf(names: readonly CallName[]): readonly Call[] {
  return names.map((name) => CALLS[name]);
}

const CALLS: Readonly<Record<CallName, Call>> = {
  boolean: check(method.getBooleanEntitlement, BOOLEAN_FEATURES, ({ hasAccess, isFallback }) => ({
    hasAccess,
    isFallback,
  })),
  metered: check(method.getMeteredEntitlement, METERED_FEATURES, ({ hasAccess, isFallback }) => ({
    hasAccess,
    isFallback,
  })),
  any: check(method.getEntitlement, ALL_FEATURES, ({ hasAccess, isFallback }) => ({ hasAccess, isFallback })),
  v2: check(method.getEntitlementV2, ALL_FEATURES, ({ entitlement }) => entitlement),
  list: {
    ...templates(method.getEntitlementsStateV2, { customerId: customerIdOf(0) }),
    features: [0],
    faultOf: (answer, customer) => {
      const { entitlements } = fromBinary(method.getEntitlementsStateV2.output, answer);
      if (entitlements.length !== FEATURE_COUNT) return `${entitlements.length} entitlements of ${FEATURE_COUNT}`;
      const granted = entitlements.filter((entitlement) => entitlement.hasAccess && !entitlement.isFallback).length;
      const expected = ALL_FEATURES.filter((feature) => hasAccess(customer, feature)).length;
      return granted === expected ? undefined : `${granted} granted of ${expected}`;
    },
  },
  usage: usageCall(),
  event: eventCall(),
};

function usageCall(): Call {
  const called = method.reportUsage;
  return {
    ...templates(called, { customerId: customerIdOf(0), featureId: featureIdOf(0), value: 1 }),
    features: METERED_FEATURES,
    faultOf: (answer, customer) => {
      const { customerId, currentUsage } = fromBinary(called.output, answer);
      return customerId === customerIdOf(customer) && (currentUsage ?? 0) > 0
        ? undefined
        : "another customer's measurement, or none";
    },
  };
}

function eventCall(): Call {
  const events = [{ eventName: EVENT_NAME, customerId: customerIdOf(0), idempotencyKey: SERIAL }];
  return {
    ...templates(method.reportEvents, { events }),
    features: [0],
    faultOf: (answer) => (answer.length === 0 ? undefined : "an answer that says something"),
  };
}

function check<I extends DescMessage, O extends DescMessage>(
  called: DescMethodUnary<I, O>,
  features: readonly number[],
  decisionIn: (answer: MessageShape<O>) => Decision | undefined,
): Call {
  const request = { customerId: customerIdOf(0), featureId: featureIdOf(0) } as unknown as MessageInitShape<I>;
  return {
    ...templates(called, request),
    features,
    faultOf: (answer, customer, feature) => {
      const decision = decisionIn(fromBinary(called.output, answer));
      if (decision === undefined) return "an answer without a decision";
      if (decision.isFallback) return "a fallback";
      return decision.hasAccess === hasAccess(customer, feature) ? undefined : "the wrong decision";
    },
  };
}

function templates<I extends DescMessage>(
  called: DescMethodUnary<I>,
  request: MessageInitShape<I>,
): Pick<Call, "path" | "message" | "json"> {
  const message = create(called.input, request);
  return {
    path: `/${called.parent.typeName}/${called.name}`,
    message: templateOf(Buffer.from(toBinary(called.input, message))),
    json: templateOf(Buffer.from(toJsonString(called.input, message))),
  };
}

function templateOf(bytes: Buffer): Template {
  const featureAt = bytes.indexOf(featureIdOf(0));
  const serialAt = bytes.indexOf(SERIAL);
  return {
    bytes,
    customerAt: bytes.indexOf(customerIdOf(0)) + customerIdOf(0).length - 7,
    featureAt: featureAt === -1 ? -1 : featureAt + featureIdOf(0).length - 2,
    serialAt: serialAt === -1 ? -1 : serialAt + SERIAL.length - SERIAL_DIGITS,
  };
}

/** @param at where in `bytes` the template was copied to */
export function fillIn(
  { customerAt, featureAt, serialAt }: Template,
  bytes: Buffer,
  at: number,
  customer: number,
  feature: number,
): void {
  writeDigits(bytes, at + customerAt, 7, customer);
  if (featureAt !== -1) writeDigits(bytes, at + featureAt, 2, feature);
  if (serialAt !== -1) writeDigits(bytes, at + serialAt, SERIAL_DIGITS, ++lastSerial);
}

function writeDigits(bytes: Buffer, at: number, digits: number, value: number): void {
  let rest = value;
  for (let digit = at + digits - 1; digit >= at; digit--) {
    const tens = Math.floor(rest / 10);
    bytes[digit] = 48 + rest - tens * 10;
    rest = tens;
  }
}

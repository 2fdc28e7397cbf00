import {
  create,
  fromBinary,
  toBinary,
  toJsonString,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import {
  ALL_FEATURES,
  BOOLEAN_FEATURES,
  FEATURE_COUNT,
  METERED_FEATURES,
  customerIdOf,
  featureIdOf,
  hasAccess,
} from "../world/customers.js";

/** The methods that are called. */
export const CALL_NAMES = ["boolean", "metered", "any", "v2", "list"] as const;
export type CallName = (typeof CALL_NAMES)[number];

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
}

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
};

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
  return {
    bytes,
    customerAt: bytes.indexOf(customerIdOf(0)) + customerIdOf(0).length - 7,
    featureAt: featureAt === -1 ? -1 : featureAt + featureIdOf(0).length - 2,
  };
}

/** @param at where in `bytes` the template was copied to */
export function fillIn(
  { customerAt, featureAt }: Template,
  bytes: Buffer,
  at: number,
  customer: number,
  feature: number,
): void {
  let rest = customer;
  for (let digit = at + customerAt + 6; digit >= at + customerAt; digit--) {
    const tens = Math.floor(rest / 10);
    bytes[digit] = 48 + rest - tens * 10;
    rest = tens;
  }
  if (featureAt === -1) return;
  bytes[at + featureAt] = 48 + Math.floor(feature / 10);
  bytes[at + featureAt + 1] = 48 + (feature % 10);
}

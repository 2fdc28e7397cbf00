import type { JsonValue } from "@bufbuild/protobuf";
import { isIdTooLong } from "../../../domain/subject.js";
import type { Metadata } from "../gen/envoy/config/core/v3/base_pb.js";
import type { AttributeContext, CheckRequest } from "../gen/envoy/service/auth/v3/external_auth_pb.js";

/** What a gateway may say of a request, under these names in a route's context_extensions and in metadata. */
const NAMES = {
  customerId: "customer_id",
  featureId: "feature_id",
  resourceId: "resource_id",
  requestedUsage: "requested_usage",
} as const;

type Field = keyof typeof NAMES;

/** The headers of a request that say the same, in lower case; undefined: none does. */
export type GateHeaders = Readonly<Record<Field, string | undefined>>;

export interface GateBounds {
  readonly headers: GateHeaders;
  readonly maxIdBytes: number;
}

/** Whose metadata of a route or a request is read. */
export const METADATA_NAMESPACE = "entitlement-sidecar";

/** Passing a gate is one use of what stands behind it, unless the gateway says otherwise. */
const ONE_USE = 1;

/** A request that may pass where its customer has the feature. */
export interface GatedRequest {
  readonly customerId: string;
  readonly featureId: string;
  readonly resourceId: string | undefined;
  readonly requestedUsage: number;
}

/** Why nothing can be decided, with what to do about it. */
export class GateFault {
  readonly reason: "FeatureNotNamed" | "CustomerNotNamed" | "InvalidRequest";
  readonly message: string;

  constructor(reason: GateFault["reason"], message: string) {
    this.reason = reason;
    this.message = message;
  }
}

/** Reads what a gateway asks. What it says of a route goes before what filters found out, and that before what was sent. */
export function readGatedRequest(
  { attributes }: CheckRequest,
  { headers, maxIdBytes }: GateBounds,
): GatedRequest | GateFault {
  const valueOf = (field: Field) => given(attributes, NAMES[field], headers[field]);

  const featureId = valueOf("featureId");
  if (featureId === undefined) return new GateFault("FeatureNotNamed", missing("feature", "featureId", headers));
  const customerId = valueOf("customerId");
  if (customerId === undefined) return new GateFault("CustomerNotNamed", missing("customer", "customerId", headers));
  const resourceId = valueOf("resourceId");
  for (const [field, id] of [
    ["featureId", featureId],
    ["customerId", customerId],
    ["resourceId", resourceId],
  ] as const) {
    if (id !== undefined && isIdTooLong(id, maxIdBytes))
      return invalid(`${NAMES[field]} is longer than ${maxIdBytes} bytes (MAX_ID_BYTES): send a shorter id`);
  }
  const usage = valueOf("requestedUsage");
  const requestedUsage = usage === undefined ? ONE_USE : amountOf(usage);
  if (requestedUsage === undefined)
    return invalid(`${NAMES.requestedUsage} is no number from 0 on: say how much the request is about to use`);
  return { customerId, featureId, resourceId, requestedUsage };
}

/** What is empty counts as left out. */
function given(attributes: AttributeContext | undefined, name: string, header: string | undefined): string | undefined {
  if (attributes === undefined) return undefined;
  const { contextExtensions, routeMetadataContext, metadataContext, request } = attributes;
  return (
    textOf(contextExtensions[name]) ??
    textOf(inMetadata(routeMetadataContext, name)) ??
    textOf(inMetadata(metadataContext, name)) ??
    (header === undefined ? undefined : textOf(headerOf(request?.http, header)))
  );
}

function inMetadata(metadata: Metadata | undefined, name: string): JsonValue | undefined {
  return metadata?.filterMetadata[METADATA_NAMESPACE]?.[name];
}

/** Numbers are for usage; a filter may also set an id as one. */
function textOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function headerOf(http: NonNullable<AttributeContext["request"]>["http"], name: string): string | undefined {
  if (http === undefined) return undefined;
  const merged = http.headers[name];
  if (merged !== undefined || http.headerMap === undefined) return merged;
  const raw = http.headerMap.headers.filter(({ key }) => key.toLowerCase() === name);
  // As the gateway joins them where it sends them merged.
  return raw.length === 0
    ? undefined
    : raw.map(({ value, rawValue }) => (rawValue.length > 0 ? Buffer.from(rawValue).toString() : value)).join(",");
}

function amountOf(text: string): number | undefined {
  const amount = /^\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  return Number.isFinite(amount) ? amount : undefined;
}

function missing(what: string, field: Field, headers: GateHeaders): string {
  const header = headers[field];
  const byHeader = header === undefined ? "" : `, or send the header ${header}`;
  return `the request names no ${what}: set ${NAMES[field]} in the context_extensions of its route or in metadata of ${METADATA_NAMESPACE}${byHeader}`;
}

function invalid(message: string): GateFault {
  return new GateFault("InvalidRequest", message);
}

import { toBinary } from "@bufbuild/protobuf";
import type { CreditCurrency } from "../../../domain/credit-currency.js";
import type { CreditDecision } from "../../../domain/decision.js";
import type { CreditEntitlement, FeatureEntitlement } from "../../../domain/entitlement.js";
import type { Feature } from "../../../domain/feature.js";
import { NO_USAGE, type Usage } from "../../../domain/usage.js";
import { encodeCurrency } from "../encode-credit.js";
import { encodeResetPeriod } from "../encode-entitlement.js";
import { encodeFeature } from "../encode-feature.js";
import { EntitlementCurrencySchema, EntitlementFeatureSchema } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { toInt32 } from "../int32.js";
import { nanosOf, secondsOf } from "../moment.js";
import type { FrameWriter } from "./frame-writer.js";

/** Encoded once: features and currencies belong to the product and not to a customer. */
const features = new WeakMap<Feature, Uint8Array>();
const currencies = new WeakMap<CreditCurrency, Uint8Array>();

/** One of the messages BooleanEntitlement, NumericEntitlement, MeteredEntitlement, EnumEntitlement, by what it is. */
export function writeEntitlement(writer: FrameWriter, field: number, entitlement: FeatureEntitlement, usage: Usage | undefined): void {
  const before = writer.length;
  switch (entitlement.kind) {
    case "boolean":
      break;
    case "numeric":
      writeNumber(writer, entitlement);
      break;
    case "metered":
      writeMeter(writer, entitlement, usage ?? NO_USAGE);
      break;
    case "enum":
      writeTexts(writer, 5, entitlement.enumValues);
      break;
  }
  writer.bytes(4, encodedFeature(entitlement.feature));
  writer.message(field, before);
}

export function writeCredit(
  writer: FrameWriter,
  field: number,
  entitlement: CreditEntitlement,
  { usage = NO_USAGE, remaining }: CreditDecision,
): void {
  const before = writer.length;
  if (entitlement.hasSoftLimit) writer.flag(6, true);
  writeMoment(writer, 5, usage.periodEnd);
  writer.amount(4, remaining);
  writer.amount(3, usage.currentUsage);
  writer.amount(2, entitlement.usageLimit);
  writer.bytes(1, encodedCurrency(entitlement.currency));
  writer.message(field, before);
}

export function writeTexts(writer: FrameWriter, field: number, texts: readonly string[]): void {
  for (let i = texts.length - 1; i >= 0; i--) writer.text(field, texts[i] as string);
}

function writeNumber(writer: FrameWriter, { usageLimit, hasUnlimitedUsage }: FeatureEntitlement): void {
  if (hasUnlimitedUsage) writer.flag(6, true);
  const value = toInt32(usageLimit);
  if (value !== undefined) writer.integer(5, value);
}

function writeMeter(writer: FrameWriter, entitlement: FeatureEntitlement, usage: Usage): void {
  writer.flag(14, entitlement.hasSoftLimit);
  writeMoment(writer, 13, usage.periodEnd);
  writeMoment(writer, 12, usage.periodStart);
  writeMoment(writer, 11, usage.periodAnchor);
  writeMoment(writer, 10, usage.periodEnd);
  if (entitlement.resetPeriod !== undefined) writer.integer(9, encodeResetPeriod(entitlement.resetPeriod));
  writer.amount(7, usage.currentUsage);
  if (entitlement.hasUnlimitedUsage) writer.flag(6, true);
  if (entitlement.usageLimit !== undefined) writer.double(5, entitlement.usageLimit);
}

function writeMoment(writer: FrameWriter, field: number, epochMs: number | undefined): void {
  const seconds = secondsOf(epochMs);
  if (epochMs === undefined || seconds === undefined) return;
  const before = writer.length;
  const nanos = nanosOf(epochMs, seconds);
  if (nanos !== 0) writer.integer(2, nanos);
  if (seconds !== 0) writer.integer(1, seconds);
  writer.message(field, before);
}

function encodedFeature(feature: Feature): Uint8Array {
  let encoded = features.get(feature);
  if (encoded === undefined) features.set(feature, (encoded = toBinary(EntitlementFeatureSchema, encodeFeature(feature))));
  return encoded;
}

function encodedCurrency(currency: CreditCurrency): Uint8Array {
  let encoded = currencies.get(currency);
  if (encoded === undefined) currencies.set(currency, (encoded = toBinary(EntitlementCurrencySchema, encodeCurrency(currency))));
  return encoded;
}

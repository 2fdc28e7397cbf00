import { create, type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { KnownTexts } from "./known-texts.js";
import { type PlainLayout, readPlainFields } from "./plain-fields.js";

/** Reads the message that lies in `bytes` from `from` to `to`. */
export type ReadRequest<I extends DescMessage> = (bytes: Buffer, from: number, to: number) => MessageShape<I>;

/** Reads a message as `fromBinary` does, and much faster where it is a plain request. It throws what that throws. */
export function requestReader<I extends DescMessage>(schema: I): ReadRequest<I> {
  if (!isPlain(schema)) return (bytes, from, to) => fromBinary(schema, bytes.subarray(from, to));
  const { typeName } = schema;
  // "" or undefined, whether the method has to be told a feature or not.
  const { featureId: noFeatureId } = create(schema) as { readonly featureId?: string };
  const options = schema.field["options"]?.message;
  const optionsTypeName = options?.typeName;
  const layout: PlainLayout = {
    customerId: schema.field["customerId"]?.number,
    resourceId: schema.field["resourceId"]?.number,
    featureId: schema.field["featureId"]?.number,
    currencyId: schema.field["currencyId"]?.number,
    options: schema.field["options"]?.number,
    requestedUsage: options?.field["requestedUsage"]?.number,
  };

  const known = new KnownTexts();

  return (bytes, from, to) => {
    const fields = readPlainFields(bytes, from, to, layout, known);
    if (fields === undefined) return fromBinary(schema, bytes.subarray(from, to));
    const { customerId, resourceId, featureId = noFeatureId, currencyId, requestedUsage } = fields;
    const readOptions =
      requestedUsage === undefined ? undefined : { $typeName: optionsTypeName, requestedUsage, requestedValues: [] };
    // What the message has no field for is never read.
    return {
      $typeName: typeName,
      customerId,
      resourceId,
      featureId,
      currencyId,
      options: readOptions,
    } as unknown as MessageShape<I>;
  };
}

const PLAIN_FIELDS: ReadonlySet<string> = new Set(["customerId", "resourceId", "featureId", "currencyId", "options"]);

/** Whether a message has no fields but those that plain requests consist of. */
export function isPlain(schema: DescMessage): boolean {
  return (
    schema.fields.every(({ localName }) => PLAIN_FIELDS.has(localName)) && schema.field["customerId"] !== undefined
  );
}

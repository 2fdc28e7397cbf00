import { describe, expect, test } from "@jest/globals";
import { SidecarService } from "../../../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { boundedMessage } from "../../../../../src/adapters/rpc/protocols/bounded-message.js";
import { jsonReader } from "../../../../../src/adapters/rpc/service/json-request-reader.js";

const { reportUsage, reportEvents } = SidecarService.method;
const BOUNDS = { maxMessageBytes: 4_096, maxItems: 10, maxJsonDepth: 32 };
type Schema = typeof reportUsage.input | typeof reportEvents.input;

async function onGeneralPath(schema: Schema, text: string, isEnveloped: boolean): Promise<void> {
  const message = Buffer.from(text);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const body = isEnveloped ? Buffer.concat([prefix, message]) : message;
  async function* chunks(): AsyncIterable<Uint8Array> {
    yield* await Promise.resolve([body]);
  }
  const layout = { schema, isJson: true, isEnveloped, isGzip: false };
  for await (const chunk of boundedMessage(chunks(), layout, BOUNDS, { owner: {}, signal: undefined }))
    expect(chunk).toEqual(body);
}

const usage = (timestamp: string) => JSON.stringify({ customerId: "acme", featureId: "calls", value: 1, timestamp });
const event = (timestamp: string) => JSON.stringify({ events: [{ customerId: "acme", eventName: "e", timestamp }] });

describe("a timestamp in JSON", () => {
  test.each([
    "2026-02-30T00:00:00Z",
    "2026-02-29T12:00:00Z",
    "2026-02-31T23:59:59.999Z",
    "1900-02-29T00:00:00Z",
    "2026-04-31T00:00:00+02:00",
    "2026-11-31T00:00:00-05:00",
  ])("%s is refused on every path, with the field and the day", async (timestamp) => {
    const fault = (path: string) =>
      `${path} is on ${timestamp.slice(0, 10)}, a day that is not in the calendar: send one that is`;
    for (const [schema, text, path] of [
      [reportUsage.input, usage(timestamp), "timestamp"],
      [reportUsage.input, usage(timestamp).replace("2", "\\u0032"), "timestamp"],
      [reportEvents.input, event(timestamp), "events[0].timestamp"],
    ] as const) {
      expect(() => jsonReader<Schema>(schema)(text)).toThrow(fault(path));
      for (const isEnveloped of [false, true])
        await expect(onGeneralPath(schema, text, isEnveloped)).rejects.toThrow(`[invalid_argument] ${fault(path)}`);
    }
  });

  test.each(["2024-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2026-01-31T23:59:59+14:00", "2026-12-31T23:59:59.999Z"])(
    "%s is taken",
    async (timestamp) => {
      const { timestamp: read } = jsonReader(reportUsage.input)(usage(timestamp));
      expect(Number(read?.seconds)).toBe(Math.floor(Date.parse(timestamp) / 1_000));
      await onGeneralPath(reportUsage.input, usage(timestamp), false);
    },
  );

  test("is not what an id may look like", async () => {
    const text = JSON.stringify({ customerId: "2026-02-30T00:00:00Z", featureId: "calls", value: 1 });
    expect(jsonReader(reportUsage.input)(text).customerId).toBe("2026-02-30T00:00:00Z");
    await onGeneralPath(reportUsage.input, text, false);
  });
});

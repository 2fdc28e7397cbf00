import { expect, it } from "@jest/globals";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { hideSecrets } from "../../../../src/adapters/ops/secrets.js";
import { OpenTelemetryTracer } from "../../../../src/adapters/telemetry/open-telemetry-tracer.js";

it("exports failures in the words they came with, without what is secret", () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = new OpenTelemetryTracer(provider.getTracer("test"), hideSecrets(["the-api-key"]));
  const span = tracer.start("call", "server", undefined);
  span.child("API", "client").end("the API answered with the content-encoding the-api-key");
  span.end("UNAVAILABLE");
  expect(exporter.getFinishedSpans().map(({ status }) => status.message)).toEqual([
    "the API answered with the content-encoding [redacted]",
    "UNAVAILABLE",
  ]);
});

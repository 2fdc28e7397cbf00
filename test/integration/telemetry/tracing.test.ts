import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { OtlpReceiver } from "../../builders/otlp-receiver.js";
import { API_KEY, type EmulatedUpstream, emulatedUpstream } from "../../builders/sidecar-on-emulator.js";
import { eventually } from "../../support/expectations.js";
import { onTestFinished } from "../../support/on-test-finished.js";
import { ServiceProcess } from "../service/service-process.js";

const CATALOG = {
  features: [
    { id: "sso", kind: "boolean" as const },
    { id: "seats", kind: "metered" as const },
  ],
  plans: [{ id: "pro", entitlements: { sso: true, seats: { limit: 10 } } }],
  customers: [
    { id: "acme", plan: "pro" },
    { id: "other", plan: "pro" },
  ],
};
const SERVICE = "stigg.sidecar.v1.SidecarService";
const [SERVER, CLIENT] = [2, 3];

let upstream: EmulatedUpstream;
let receiver: OtlpReceiver;
beforeAll(async () => {
  [upstream, receiver] = await Promise.all([emulatedUpstream(CATALOG), OtlpReceiver.start()]);
});
afterAll(() => Promise.all([upstream.stop(), receiver.stop()]));

async function serving(environment: Readonly<Record<string, string>> = {}) {
  const service = new ServiceProcess(["serve"], {
    SERVER_API_KEY: API_KEY,
    API_URL: upstream.emulator.url,
    EDGE_API_URL: upstream.emulator.url,
    WS_ENABLED: "false",
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    LISTEN_HOST: "127.0.0.1",
    SHUTDOWN_LINGER_MS: "0",
    START_MESSAGE: "json",
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_BSP_SCHEDULE_DELAY: "20",
    ...environment,
  });
  onTestFinished(() => void service.child.kill("SIGKILL"));
  const { grpcPort } = await service.started();
  const call = async (method: string, body: object, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(`http://127.0.0.1:${grpcPort}/${SERVICE}/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.status, text: await response.text() };
  };
  const end = () => {
    service.child.kill("SIGTERM");
    return service.ended;
  };
  return { service, call, end };
}

function callerOf(flags: "00" | "01"): {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceparent: string;
} {
  const [traceId, spanId] = [randomBytes(16).toString("hex"), randomBytes(8).toString("hex")];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
}

const spansOf = (traceId: string) => receiver.spans.filter((span) => span.traceId === traceId);
const CHECK = { customerId: "acme", featureId: "sso" };

describe("with an OTLP endpoint", () => {
  it("a check that misses is traced from its caller's span to Edge, which is sent the context; nobody's id is", async () => {
    const { call, end } = await serving({ OTEL_SERVICE_NAME: "checks-of-shop" });
    const caller = callerOf("01");
    const { traceparent } = caller;
    expect((await call("GetEntitlement", CHECK, { traceparent, tracestate: "shop=1" })).status).toBe(200);
    await end();
    const spans = spansOf(caller.traceId);
    const named = (name: string) => spans.find((span) => span.name === name);
    const [server, find, edge] = [
      named(`${SERVICE}/GetEntitlement`),
      named("find state"),
      named("Edge entitlements-state"),
    ];
    expect(server).toMatchObject({ kind: SERVER, parentSpanId: caller.spanId });
    expect(server?.attributes).toMatchObject({
      "rpc.system": "connect_rpc",
      "rpc.service": SERVICE,
      "rpc.method": "GetEntitlement",
      "entitlement.source": "upstream",
    });
    expect(find?.parentSpanId).toBe(server?.spanId);
    expect(edge).toMatchObject({ kind: CLIENT, parentSpanId: find?.spanId });
    expect(edge?.attributes).toMatchObject({ "http.request.method": "GET", "http.response.status_code": 200 });
    const sent = upstream.emulator.stats.requests.find(({ headers }) =>
      headers["traceparent"]?.includes(caller.traceId),
    );
    expect(sent?.headers).toMatchObject({
      traceparent: `00-${caller.traceId}-${edge?.spanId}-01`,
      tracestate: "shop=1",
    });
    expect(receiver.resource).toMatchObject({ "service.name": "checks-of-shop", "telemetry.sdk.language": "nodejs" });
    expect(JSON.stringify(spans)).not.toContain("acme");
  });

  it("a cached check has a span for a caller who records its own, and for nobody else", async () => {
    const { call, end } = await serving();
    await call("GetEntitlement", CHECK);
    const [recording, silent] = [callerOf("01"), callerOf("00")];
    await call("GetEntitlement", CHECK);
    await call("GetEntitlement", CHECK, { traceparent: silent.traceparent });
    await call("GetEntitlement", CHECK, { traceparent: "not-a-context" });
    const before = receiver.spans.length;
    await call("GetEntitlement", CHECK, { traceparent: recording.traceparent });
    await end();
    expect(spansOf(silent.traceId)).toEqual([]);
    expect(spansOf(recording.traceId)).toMatchObject([
      { kind: SERVER, parentSpanId: recording.spanId, attributes: { "entitlement.source": "memory" } },
    ]);
    // The first one's, which missed: one for the call, one for its search, one for the store's reading and one for Edge.
    expect(receiver.spans.slice(before).filter(({ traceId }) => traceId !== recording.traceId).length).toBeLessThan(5);
  });

  it("a report is traced to the API, also one without a caller's context", async () => {
    const { call, end } = await serving();
    const before = receiver.spans.length;
    expect((await call("ReportUsage", { customerId: "other", featureId: "seats", value: 1 })).status).toBe(200);
    await end();
    const spans = receiver.spans.slice(before);
    const server = spans.find(({ name }) => name === `${SERVICE}/ReportUsage`);
    expect(server).toMatchObject({ kind: SERVER, parentSpanId: "" });
    expect(spans.find(({ name }) => name.startsWith("API ReportUsage"))).toMatchObject({
      kind: CLIENT,
      traceId: server?.traceId,
      parentSpanId: server?.spanId,
    });
  });

  it("a call of the general path is traced", async () => {
    const { call, end } = await serving();
    const caller = callerOf("01");
    // A deadline that is none is for the general path to explain.
    await call("GetEntitlement", CHECK, { traceparent: caller.traceparent, "connect-timeout-ms": "soon" });
    await end();
    expect(spansOf(caller.traceId)).toMatchObject([{ kind: SERVER, parentSpanId: caller.spanId }]);
  });

  it("the standard variables decide: protobuf by default, headers, the sampler, and the switch", async () => {
    const caller = callerOf("01");
    const { call, end } = await serving({
      OTEL_EXPORTER_OTLP_PROTOCOL: "",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20collector-key",
      OTEL_TRACES_SAMPLER: "parentbased_always_off",
    });
    const before = receiver.spans.length;
    await call("GetEntitlement", { ...CHECK, customerId: "other" });
    await call("GetEntitlement", CHECK, { traceparent: caller.traceparent });
    const { stdout } = await end();
    expect(receiver.requests.at(-1)).toEqual({
      path: "/v1/traces",
      type: "application/x-protobuf",
      authorization: "Bearer collector-key",
    });
    expect(receiver.spans.slice(before).map(({ traceId }) => traceId)).toEqual(
      receiver.spans.slice(before).map(() => caller.traceId),
    );
    expect(spansOf(caller.traceId)).toContainEqual(
      expect.objectContaining({ name: `${SERVICE}/GetEntitlement`, kind: SERVER, parentSpanId: caller.spanId }),
    );
    expect(stdout).not.toContain("collector-key");

    const requests = receiver.requests.length;
    const off = await serving({ OTEL_SDK_DISABLED: "true" });
    await off.call("GetEntitlement", CHECK, { traceparent: callerOf("01").traceparent });
    await off.end();
    expect(receiver.requests.length).toBe(requests);
  });

  it("what a cluster sets for others stops no start, and is told once", async () => {
    const { service, call, end } = await serving({
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_METRICS_EXPORTER: "prometheus",
      OTEL_TRACES_SAMPLER: "jaeger_remote",
      OTEL_METRIC_EXPORT_INTERVAL: "often",
    });
    expect((await call("GetEntitlement", CHECK)).status).toBe(200);
    await end();
    expect(service.stdout).toContain("OTLP by grpc is not spoken");
    expect(service.stdout).toContain("OTEL_METRICS_EXPORTER=prometheus is not understood");
  });

  it("a collector that is away costs a warning, and no check", async () => {
    const { service, call, end } = await serving({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
      OTEL_EXPORTER_OTLP_TIMEOUT: "200",
    });
    expect((await call("GetEntitlement", CHECK)).status).toBe(200);
    await service.printed(/telemetry is not exported as it should be/);
    expect((await call("GetEntitlement", CHECK)).status).toBe(200);
    expect((await end()).code).toBe(0);
  });
});

describe("with OTEL_METRICS_EXPORTER=otlp", () => {
  it("the metrics are exported under their own names, histograms with what lies in each bucket", async () => {
    const { service, call, end } = await serving({
      OTEL_TRACES_EXPORTER: "none",
      OTEL_METRICS_EXPORTER: "otlp, console",
      OTEL_METRIC_EXPORT_INTERVAL: "100",
    });
    await call("GetEntitlement", CHECK);
    await call("GetEntitlement", CHECK);
    await eventually(() => receiver.metrics.get("sidecar_upstream_request_duration_seconds")?.histogram).toMatchObject({
      aggregationTemporality: 2,
      dataPoints: expect.any(Array) as unknown as unknown[],
    });
    const { isMonotonic, dataPoints } = receiver.metrics.get("sidecar_requests_total").sum;
    expect(isMonotonic).toBe(true);
    expect(dataPoints).not.toEqual([]);
    const edge = receiver.metrics
      .get("sidecar_upstream_request_duration_seconds")
      .histogram.dataPoints.find((point: { attributes: unknown }) =>
        JSON.stringify(point.attributes).includes('"edge"'),
      );
    const counts: number[] = (edge.bucketCounts as (string | number)[]).map(Number);
    expect(counts.reduce((sum: number, count: number) => sum + count, 0)).toBe(Number(edge.count));
    expect(counts).toHaveLength((edge.explicitBounds as number[]).length + 1);
    await end();
    expect(service.stdout).toContain("OTEL_METRICS_EXPORTER=console is not understood");
  });

  it("an interval that is none is told, with the one that is in force", async () => {
    const { service, end } = await serving({ OTEL_METRICS_EXPORTER: "otlp", OTEL_METRIC_EXPORT_INTERVAL: "60s" });
    await end();
    expect(service.stdout).toContain(
      "OTEL_METRIC_EXPORT_INTERVAL=60s is not understood: write milliseconds, a whole number above 0; until then it is 60000",
    );
  });
});

describe("lines of the log", () => {
  it("name the caller's request and trace where a call causes them, in the decision log too", async () => {
    const { service, call, end } = await serving({ OTEL_SDK_DISABLED: "true", DECISION_LOG: "all" });
    const { traceId, traceparent } = callerOf("00");
    const headers = { traceparent, "x-request-id": "order-7" };
    await call("GetEntitlement", CHECK, headers);
    expect(
      (await call("ReportUsage", { customerId: "nobody", featureId: "seats", value: 1 }, headers)).status,
    ).not.toBe(200);
    await end();
    const lines = service.stdout
      .split("\n")
      .filter((line) => line.includes("order-7"))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { decision: expect.any(String) as unknown as string, requestId: "order-7", traceId },
      { msg: "a report of usage failed", requestId: "order-7", traceId },
    ]);
  });
});

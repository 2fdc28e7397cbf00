import { describe, expect, it } from "@jest/globals";
import { CALL_METRICS } from "../../../../../src/adapters/ops/metrics/call-metrics.js";
import { expose } from "../../../../../src/adapters/ops/metrics/metrics.js";
import { CallStatistics } from "../../../../../src/adapters/rpc/call/calls.js";
import { protocolIndex, PROTOCOLS } from "../../../../../src/adapters/rpc/call/served-method.js";
import { methodAt, SERVED_METHODS, UNKNOWN_METHOD } from "../../../../../src/adapters/rpc/service/served-methods.js";
import { ACCESS_DENIED_REASONS } from "../../../../../src/domain/decision/access-denied-reason.js";
import { LATENCY_BUCKETS_MS } from "../../../../../src/ports/call-telemetry.js";

const CHECK = methodAt("/stigg.sidecar.v1.SidecarService/GetMeteredEntitlement");
const REPORT = methodAt("/stigg.sidecar.v1.SidecarService/ReportUsage");

describe("calls are counted", () => {
  it("by method, protocol and code, each apart", () => {
    const statistics = new CallStatistics(SERVED_METHODS);
    for (const method of SERVED_METHODS)
      for (const protocol of PROTOCOLS)
        statistics.endedInTurn(method.index, protocolIndex(protocol), method.index % 17);
    statistics.endedInTurn(CHECK.index, protocolIndex("grpc"), 0);
    const counted = statistics.calls();
    expect(counted.reduce((sum, { count }) => sum + count, 0)).toBe(SERVED_METHODS.length * PROTOCOLS.length + 1);
    expect(new Set(counted.map(({ method, protocol, code }) => `${method} ${protocol} ${code}`)).size).toBe(
      counted.length,
    );
  });

  it("in flight from when they wait until they end", () => {
    const statistics = new CallStatistics(SERVED_METHODS);
    statistics.began();
    statistics.began();
    statistics.ended(REPORT.index, 0, 14, 3);
    expect(statistics.inFlight).toBe(1);
  });

  it("under one more name where there is no such method", () => {
    expect(methodAt("/favicon.ico")).toBe(UNKNOWN_METHOD);
  });
});

describe("latencies", () => {
  it("are in the bucket of the least bound that is not below them, and beyond all in the last", () => {
    const statistics = new CallStatistics(SERVED_METHODS);
    for (const ms of [0.01, 0.05, 0.051, 4_999, 5_000, 5_001]) {
      statistics.began();
      statistics.ended(REPORT.index, 0, 0, ms);
    }
    const { buckets, sumMs } = statistics.latencies()[REPORT.index]!;
    expect(buckets).toHaveLength(LATENCY_BUCKETS_MS.length + 1);
    expect([buckets[0], buckets[1], buckets.at(-2), buckets.at(-1)]).toEqual([2, 1, 2, 1]);
    expect(sumMs).toBeCloseTo(15_000.111);
  });

  it("of calls that a read brings are known at its end, once", () => {
    const statistics = new CallStatistics(SERVED_METHODS);
    for (let call = 0; call < 10; call++) statistics.endedInTurn(CHECK.index, 0, 0);
    const counted = () => statistics.latencies()[CHECK.index]!.buckets.reduce((sum, count) => sum + count, 0);
    expect(counted()).toBe(0);
    statistics.turnEnded(performance.now());
    statistics.turnEnded(performance.now());
    expect(counted()).toBe(10);
  });
});

describe("decisions are counted by outcome, reason and fallback", () => {
  it.each(ACCESS_DENIED_REASONS)("%s", (reason) => {
    const statistics = new CallStatistics(SERVED_METHODS);
    statistics.decided({ hasAccess: false, accessDeniedReason: reason, fallback: undefined });
    statistics.decided({ hasAccess: true, accessDeniedReason: reason, fallback: {} });
    statistics.decided({ hasAccess: true, accessDeniedReason: undefined, fallback: undefined });
    expect(statistics.decisions()).toEqual(
      expect.arrayContaining([
        { outcome: "denied", reason, isFallback: false, count: 1 },
        { outcome: "granted", reason, isFallback: true, count: 1 },
        { outcome: "granted", reason: "", isFallback: false, count: 1 },
      ]),
    );
  });
});

it("all of it is in the text that Prometheus reads, with both outcomes from the first scrape", () => {
  const statistics = new CallStatistics(SERVED_METHODS);
  statistics.began();
  statistics.ended(CHECK.index, protocolIndex("connect"), 7, 30);
  const telemetry = {
    calls: () => statistics.calls(),
    latencies: () => statistics.latencies(),
    decisions: () => statistics.decisions(),
    inFlight: () => 3,
    connections: () => 2,
    exceeded: () => 1,
  };
  const text = expose(
    CALL_METRICS.map((metric) => ({ ...metric, samples: metric.samples(telemetry) })),
    undefined,
  ).body;
  for (const line of [
    'sidecar_requests_total{method="GetMeteredEntitlement",protocol="connect",code="permission_denied"} 1',
    'sidecar_request_duration_seconds_bucket{method="GetMeteredEntitlement",le="0.025"} 0',
    'sidecar_request_duration_seconds_bucket{method="GetMeteredEntitlement",le="0.05"} 1',
    'sidecar_request_duration_seconds_bucket{method="GetMeteredEntitlement",le="+Inf"} 1',
    'sidecar_request_duration_seconds_count{method="ReportUsage"} 0',
    'sidecar_decisions_total{outcome="granted",reason="",fallback="false"} 0',
    'sidecar_decisions_total{outcome="denied",reason="",fallback="false"} 0',
    "sidecar_requests_in_flight 3",
    "sidecar_connections 2",
    "sidecar_connections_exceeded_total 1",
  ])
    expect(text.split("\n")).toContain(line);
});

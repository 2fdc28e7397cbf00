import { once } from "node:events";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { emptyState } from "../builders/states.js";
import { ControllableUpstream } from "../fakes/controllable-upstream.js";
import { ManualClock } from "../fakes/manual-clock.js";
import { eventually } from "../support/expectations.js";
import { CHECK_PATH, frame, RawHttp2 } from "./harness/raw-http2.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";

const ACME = { customerId: "acme", featureId: "seats" };
const RELOAD = { customerId: "acme" };

describe("while upstream does not answer", () => {
  let upstream: ControllableUpstream;
  let server: RpcServer;
  beforeEach(() => {
    upstream = new ControllableUpstream();
  });
  afterEach(() => server.stop());

  /** Sent by hand, since the clients above give up by themselves at the same time. */
  test.each([
    [
      "gRPC",
      { "content-type": "application/grpc+json", "grpc-timeout": "30m" },
      frame(Buffer.from(JSON.stringify(RELOAD))),
    ],
    [
      "Connect",
      { "content-type": "application/json", "connect-timeout-ms": "30" },
      Buffer.from(JSON.stringify(RELOAD)),
    ],
  ])("a reload is told that its time is up, by %s", async (protocol, headers, body) => {
    server = await startRpcServer({ upstream });
    const client = new RawHttp2(server.url);
    const answer = await client.post("/stigg.sidecar.v1.SidecarService/ReloadEntitlements", headers, body);
    client.close();
    if (protocol === "gRPC") expect(answer.grpcStatus).toBe(Code.DeadlineExceeded);
    else expect(JSON.parse(answer.body.toString())).toMatchObject({ code: "deadline_exceeded" });
    expect(server.logger.lines).toEqual([]);
  });

  test.each([
    [
      "gRPC",
      "8766000H",
      { "content-type": "application/grpc+json" },
      "grpc-timeout",
      frame(Buffer.from(JSON.stringify(RELOAD))),
    ],
    [
      "Connect",
      "9999999999",
      { "content-type": "application/json" },
      "connect-timeout-ms",
      Buffer.from(JSON.stringify(RELOAD)),
    ],
  ])("a deadline in years is none, by %s", async (_, timeout, headers, header, body) => {
    server = await startRpcServer({ upstream });
    const client = new RawHttp2(server.url);
    const path = "/stigg.sidecar.v1.SidecarService/ReloadEntitlements";
    const patient = client.post(path, { ...headers, [header]: timeout }, body);
    const fetch = await upstream.fetches.at(0);
    await client.post(path, { ...headers, [header]: header === "grpc-timeout" ? "30m" : "30" }, body);
    fetch.answer(emptyState("CustomerNotFound"));
    const { body: answer, headers: answered } = await patient;
    client.close();
    expect(answered).toMatchObject({ ":status": 200 });
    expect(answer.toString()).toContain('{"entitledEntityExists":false}');
  });

  /** Over HTTP/1.1 a caller that has gone looks like one that has said all and waits. */
  test.each<[string, (baseUrl: string) => Transport]>([
    ["gRPC", (baseUrl) => createGrpcTransport({ baseUrl })],
    ["gRPC-web over HTTP/2", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" })],
    ["Connect over HTTP/2", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" })],
  ])("a report whose caller goes away is given up, by %s", async (_, transport) => {
    server = await startRpcServer({ upstream });
    const caller = new AbortController();
    const client = createClient(SidecarService, transport(server.url));
    const outcome = client
      .reportUsage({ ...ACME, value: 1 }, { signal: caller.signal })
      .catch((error: unknown) => ConnectError.from(error).code);
    const { signal } = await upstream.reports.at(0);
    const givenUp = new Promise<void>((resolve) => signal.addEventListener("abort", resolve));
    caller.abort();
    await givenUp;
    expect(await outcome).toBe(Code.Canceled);
    // Whoever reconciles usage has to know of it: upstream may have counted it.
    await eventually(() => server.logger.lines).toMatchObject([
      { level: "warn", message: "a report of usage failed", fields: { code: "cancelled", counts: "unknown" } },
    ]);
  });

  test("the caller's deadline, as timestamps go here, is what a check is given", async () => {
    const clock = new ManualClock();
    server = await startRpcServer({ upstream, clock, budgetMs: 60_000 });
    const client = new RawHttp2(server.url);
    const answer = client.post(
      CHECK_PATH,
      { "content-type": "application/grpc+json", "grpc-timeout": "20S" },
      frame(Buffer.from(JSON.stringify(ACME))),
    );
    await upstream.fetches.at(0);
    clock.advance(19_980);
    expect((await answer).headers).toMatchObject({ "x-entitlement-source": "fallback" });
    client.close();
  });

  test.each([
    ["nothing", Buffer.alloc(0)],
    ["half of its message", frame(Buffer.from(JSON.stringify(ACME))).subarray(0, 9)],
  ])("a caller that sends %s over HTTP/2 and then no more is told so, and holds nothing", async (_, body) => {
    const clock = new ManualClock();
    server = await startRpcServer({ upstream, clock });
    const client = new RawHttp2(server.url);
    await once(client.session, "connect");
    const stream = client.session.request({
      ":method": "POST",
      ":path": CHECK_PATH,
      "content-type": "application/grpc+json",
    });
    const trailers = once(stream, "trailers");
    const closed = once(stream, "close");
    stream.resume();
    stream.write(body);
    await eventually(() => clock.pendingTimers).toBeGreaterThan(0);
    clock.advance(30_000);
    expect((await trailers)[0]).toMatchObject({ "grpc-status": String(Code.DeadlineExceeded) });
    await closed;
    expect(clock.pendingTimers).toBe(0);
    client.close();
  });
});

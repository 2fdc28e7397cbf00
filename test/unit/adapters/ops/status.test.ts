import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "@jest/globals";
import {
  dependencySection,
  ServiceStatus,
  statusReply,
  statusRoute,
} from "../../../../src/adapters/ops/service-status.js";
import { OutageLog } from "../../../../src/ports/logger.js";
import { DependencyState, newTelemetry } from "../../../../src/ports/telemetry.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

const OPTIONS = { program: "p", version: "1.2.3", redact: (text: string) => text.replaceAll("s3cret", "[redacted]") };

function serving() {
  const telemetry = newTelemetry();
  const redis = new OutageLog(new RecordingLogger(), new DependencyState("redis", telemetry.dependencies));
  return { redis, telemetry, status: new ServiceStatus(OPTIONS).add(dependencySection(telemetry)) };
}

describe("a status", () => {
  it("is not degraded by what nothing is known of yet", async () => {
    expect(await serving().status.read(true)).toMatchObject({
      version: "1.2.3",
      isDegraded: false,
      degraded: [],
      dependencies: { redis: { state: "unknown" } },
    });
  });

  it("tells since when and why something does not work, without secrets, and its last error once it does", async () => {
    const { redis, status } = serving();
    redis.lost("warn", "no connection", { error: new Error("refused s3cret") });
    const lost = await status.read(true);
    expect(lost).toMatchObject({
      isDegraded: true,
      dependencies: { redis: { state: "down", lastError: "no connection: refused [redacted]" } },
    });
    expect((lost["degraded"] as string[])[0]).toMatch(
      /^redis is down since \d{4}-.*: no connection: refused \[redacted\]$/,
    );
    redis.recovered("back");
    expect(await status.read(true)).toMatchObject({
      isDegraded: false,
      dependencies: { redis: { state: "up", lastError: "no connection: refused [redacted]" } },
    });
  });

  it("has the sections that parts add, the private ones for those who may see them", async () => {
    const status = new ServiceStatus(OPTIONS)
      .add({ name: "outbox", read: () => Promise.resolve({ waiting: 3 }), degraded: () => ["reports wait"] })
      .add({ name: "configuration", isPrivate: true, read: () => ({ GRPC_PORT: 80 }) });
    expect(await status.read(true)).toMatchObject({
      outbox: { waiting: 3 },
      configuration: { GRPC_PORT: 80 },
      degraded: ["reports wait"],
    });
    expect(await status.read(false)).not.toHaveProperty("configuration");
  });
});

it("a status is asked for by nothing but expectations: a slip in a probe must not make it hold for ever", async () => {
  const route = statusRoute(new ServiceStatus(OPTIONS), () => "token");
  const request = Object.assign(new IncomingMessage(new Socket()), { headers: { authorization: "Bearer token" } });
  const replyTo = async (query: string) => route(new URLSearchParams(query), request);
  const refused = await replyTo("expct=isDegraded=true");
  expect(refused.status).toBe(400);
  expect(refused.body).toContain("expct is not a parameter; there is expect");
  expect(await replyTo("expect=isDegraded=true")).toMatchObject({ status: 503 });
  expect(await replyTo("")).toMatchObject({ status: 200 });
});

describe("what is expected of a status", () => {
  const STATUS = { version: "1.2.3", isDegraded: false, cache: { subjects: 5 }, degraded: [] };
  it.each([
    ["version=1.2.3", 200],
    ["version!=1.2.3", 503],
    ["isDegraded=false", 200],
    ["isDegraded=true", 503],
    ["cache.subjects>4", 200],
    ["cache.subjects>=5", 200],
    ["cache.subjects<5", 503],
    ["cache.subjects<=5", 200],
    ["cache.nothing=5", 503],
    ["cache.nothing!=5", 200],
    ["version.constructor=x", 503],
    ["degraded=[]", 200],
    ["nonsense", 400],
    ["=1", 400],
  ])("%s answers %i", (expectation, code) => {
    expect(statusReply(STATUS, [expectation]).status).toBe(code);
  });

  it("names each that does not hold", () => {
    const { body } = statusReply(STATUS, ["version=2", "isDegraded=false", "cache.subjects<1"]);
    expect(JSON.parse(body)).toMatchObject({
      failed: ['version=2, but it is "1.2.3"', "cache.subjects<1, but it is 5"],
      version: "1.2.3",
    });
  });
});

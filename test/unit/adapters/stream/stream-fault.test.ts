import { describe, expect, it } from "@jest/globals";
import { streamFaultOf } from "../../../../src/adapters/stream/websocket-client.js";

describe("the end of a connection", () => {
  it.each<[code: number | undefined, reason: string, kind: string]>([
    [1006, "", "lost"],
    [1000, "Normal Closure", "lost"],
    [4500, "Internal server error", "lost"],
    [undefined, "connect ECONNREFUSED 127.0.0.1:1", "lost"],
    [undefined, "Unexpected server response: 502", "lost"],
    [4401, "Unauthorized", "refused"],
    [4401, "Invalid API key", "refused"],
    [4403, "Forbidden", "refused"],
    [1008, "Invalid API key", "refused"],
    [undefined, "Unexpected server response: 401", "refused"],
    [undefined, "Unexpected server response: 403", "refused"],
    [4500, "ThrottlerException: Too Many Requests", "throttled"],
    [4401, "ThrottlerException: Too Many Requests", "throttled"],
    [undefined, "Unexpected server response: 429", "throttled"],
  ])("by %s %j means %s", (code, reason, kind) => expect(streamFaultOf(code, reason).kind).toBe(kind));

  it("keeps what upstream said", () =>
    expect(streamFaultOf(4500, "Internal server error").reason).toBe("4500 Internal server error"));
  it("says so where upstream said nothing", () => expect(streamFaultOf(undefined, "").reason).toBe("no reason given"));
});

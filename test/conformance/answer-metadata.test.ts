import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Answer } from "../../src/application/answer.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";

const PATH = "/stigg.sidecar.v1.SidecarService/GetBooleanEntitlement";
const MESSAGE = { customerId: "acme", featureId: "sso" };
const CONTEXT = { context: { targetingKey: "acme" } };

/** As a failure policy makes it up, and as the log of decisions names it. */
async function madeUpAndLogged<T>(answer: Answer<T> | Promise<Answer<T>>): Promise<Answer<T>> {
  return {
    ...(await answer),
    source: "assumed",
    assumed: { policy: "grace", retryAfterMs: 4_500 },
    decisionId: "decision-1",
  };
}

let server: RpcServer;
beforeAll(async () => {
  server = await startRpcServer({
    check: (real) => ({
      feature: (...asked) => madeUpAndLogged(real.feature(...asked)),
      credit: (...asked) => madeUpAndLogged(real.credit(...asked)),
    }),
  });
});
afterAll(() => server.stop());

describe("an answer that was made up, and whose decision is logged, says so", () => {
  const json = (body: object): RequestInit => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

  test.each<[way: string, path: string, request: RequestInit]>([
    ["the fast path", PATH, json(MESSAGE)],
    [
      "the general path",
      `${PATH}?encoding=json&message=${encodeURIComponent(JSON.stringify(MESSAGE))}`,
      { method: "GET" },
    ],
    ["OFREP", "/ofrep/v1/evaluate/flags/sso", json(CONTEXT)],
  ])("by %s", async (_, path, request) => {
    const { status, headers } = await fetch(server.url + path, request);
    expect(status).toBe(200);
    expect(Object.fromEntries(headers)).toMatchObject({
      "x-entitlement-source": "assumed",
      "x-entitlement-reason": "policy-grace",
      "retry-after": "5",
      "x-entitlement-decision": "decision-1",
    });
  });
});

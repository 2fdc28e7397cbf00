import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { explainRoute } from "../../../../src/adapters/ops/explain-route.js";
import { json, OpsServer } from "../../../../src/adapters/ops/ops-server.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

/** Served over HTTP, since what a server makes of a URL belongs to it. */
const server = new OpsServer({
  livenessPath: "livez",
  readinessPath: "readyz",
  readiness: { isReady: true },
  routes: new Map([["/explain", explainRoute({ explain: () => Promise.resolve({} as never) })]]),
  actions: new Map([["/act", () => json(200, {})]]),
  logger: new RecordingLogger(),
});
let baseUrl: string;
beforeAll(async () => {
  baseUrl = `http://127.0.0.1:${(await server.listen(0, "127.0.0.1")).port}`;
});
afterAll(() => server.close());

async function ask(query: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${baseUrl}/explain?${query}`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("GET /explain", () => {
  it("takes a query with question marks of its own whole", async () => {
    const { body } = await ask("customer=who?&feature=what?why");
    expect(body["question"]).toMatchObject({ subject: { customerId: "who?" }, id: "what?why" });
  });

  it.each([
    ["customer=a&customer=b&feature=f", /customer is given more than once/],
    ["customer=a&feature=f&feature=g", /feature is given more than once/],
    ["customer=a&feature=f&cachedOnly=perhaps", /cachedOnly was "perhaps": it must be true or false/],
  ])("refuses what can be meant in two ways: %s", async (query, error) => {
    expect(await ask(query)).toEqual({ status: 400, body: { error: expect.stringMatching(error) as unknown } });
  });

  it.each([
    ["yes", true],
    ["TRUE", true],
    ["1", true],
    ["no", false],
    ["0", false],
  ])("reads cachedOnly=%s as settings are read", async (text, cachedOnly) => {
    const { body } = await ask(`customer=a&feature=f&cachedOnly=${text}`);
    expect(body["question"]).toMatchObject({ cachedOnly });
  });
});

it("what is done by POST says so to who only reads it", async () => {
  const response = await fetch(`${baseUrl}/act`);
  expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
});

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { CallObserver } from "../../src/adapters/rpc/call/calls.js";
import type { AdmissionRule } from "../../src/adapters/rpc/call/served-method.js";
import { CodedError } from "../../src/domain/errors.js";
import { EVERY_WAY, GATE, go } from "./harness/every-path.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";

const RESOURCE_EXHAUSTED = 8;
const TOO_MANY_REQUESTS = 429;

/** What was seen of each call, for a test to wait for. */
class Observations {
  readonly seen: { readonly method: string; readonly code: number }[] = [];
  #arrived: () => void = () => undefined;

  readonly observe: CallObserver = ({ name }, _, code) => {
    this.seen.push({ method: name, code });
    this.#arrived();
  };

  /** What was seen since it was asked last, once that is something. */
  async next(): Promise<readonly { readonly method: string; readonly code: number }[]> {
    while (this.seen.length === 0) await new Promise<void>((resolve) => (this.#arrived = resolve));
    return this.seen.splice(0);
  }
}

const NOBODY: AdmissionRule = () => new CodedError("resource-exhausted", "not now");

describe.each([
  ["with the fast path", true],
  ["without it", false],
])("every call, whatever its protocol, %s", (_, hasFastPath) => {
  describe("passes the observers once", () => {
    const observations = new Observations();
    let server: RpcServer;
    beforeAll(async () => {
      server = await startRpcServer({ hasFastPath, rpc: { gate: GATE, observers: [observations.observe] } });
    });
    afterAll(async () => {
      await server.stop();
      expect(observations.seen).toEqual([]);
    });

    test.each(EVERY_WAY)("$name", async (way) => {
      await go(way, server.url);
      expect(await observations.next()).toEqual([{ method: way.method, code: expect.any(Number) }]);
    });
  });

  describe("is refused by an admission rule, and observed as such once", () => {
    const observations = new Observations();
    let server: RpcServer;
    beforeAll(async () => {
      server = await startRpcServer({
        hasFastPath,
        rpc: { gate: GATE, observers: [observations.observe], admission: [NOBODY] },
      });
    });
    afterAll(() => server.stop());

    test.each(EVERY_WAY)("$name", async (way) => {
      const { httpStatus, code, text } = await go(way, server.url);
      expect(code ?? httpStatus).toBe(code === undefined ? TOO_MANY_REQUESTS : RESOURCE_EXHAUSTED);
      expect(text).toContain("not now");
      expect(await observations.next()).toEqual([{ method: way.method, code: RESOURCE_EXHAUSTED }]);
    });
  });
});

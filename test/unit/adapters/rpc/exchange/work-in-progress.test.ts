import { describe, expect, it } from "@jest/globals";
import { WorkInProgress } from "../../../../../src/adapters/rpc/exchange/request-handlers.js";

describe("calls off the fast path that are under way", () => {
  function beginAll(work: WorkInProgress, connection: object): number {
    let calls = 0;
    while (work.begin(connection)) calls++;
    return calls;
  }

  it("are bounded in the process, and a connection with few of them has room left", () => {
    const work = new WorkInProgress();
    const [greedy, other] = [{}, {}];
    expect(beginAll(work, greedy)).toBe(1_000);
    expect(beginAll(work, other)).toBe(10);
    expect(Array.from({ length: 100 }, () => beginAll(work, {})).reduce((sum, calls) => sum + calls, 0)).toBe(490);
  });

  it("make room when they end", () => {
    const work = new WorkInProgress();
    const connection = {};
    beginAll(work, connection);
    work.end(connection);
    expect(beginAll(work, connection)).toBe(1);
  });
});

import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "@jest/globals";
import { FastCall, type FastRoute } from "../../../../../src/adapters/rpc/call/fast-path.js";
import type { FastPathStream } from "../../../../../src/adapters/rpc/exchange/request-handlers.js";
import { Deadlines } from "../../../../../src/ports/clock.js";

/** A call with a deadline, whose use case answers when the test says so. */
function waitingCall({ succeed, isAsked = true }: { succeed?: () => void; isAsked?: boolean } = {}) {
  const due: (() => void)[] = [];
  const answers: string[] = [];
  const ended: number[] = [];
  let begun = 0;
  let finish!: (reply: object) => void;
  const clock = {
    now: () => 0,
    elapsed: () => 0,
    after(_: number, callback: () => void) {
      due.push(callback);
      return () => void due.splice(due.indexOf(callback), 1);
    },
  };
  const route = {
    headers: { timeoutMs: 100, isDetailed: false },
    method: { name: "GetEntitlement" },
    protocol: {
      index: 0,
      ask: () => new Promise<object>((resolve) => (finish = resolve)),
      succeed: succeed ?? (() => answers.push("the use case's answer")),
      fail: (_: FastPathStream, { code }: ConnectError) => answers.push(Code[code]),
    },
    options: {
      maxMessageBytes: 1_000,
      calls: {
        clock,
        deadlines: new Deadlines(clock),
        refusalOf: () => undefined,
        began: () => {
          begun++;
        },
        ended: (_: unknown, _protocol: number, code: number) => void ended.push(code),
        failureOf: (error: unknown) => ConnectError.from(error, Code.Internal),
      },
    },
  } as unknown as FastRoute;
  const call = new FastCall(route, {} as FastPathStream);
  const ask = () => call.answer(Buffer.alloc(0), 0, 0);
  if (isAsked) ask();
  return { call, ask, due, answers, ended, begun: () => begun, finish: () => finish({ message: Buffer.alloc(0) }) };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a deadline that is called over in a process that was held up", () => {
  it("leaves the word to a use case that heeds it in the same turn", async () => {
    const { due, answers, finish } = waitingCall();
    due.shift()?.();
    finish();
    await settled();
    due.shift()?.();
    expect(answers).toContain("the use case's answer");
    expect(answers).not.toContain("DeadlineExceeded");
  });

  it("ends a call whose use case does not heed it", () => {
    const { due, answers } = waitingCall();
    due.shift()?.();
    expect(answers).toEqual([]);
    due.shift()?.();
    expect(answers).toEqual(["DeadlineExceeded"]);
  });

  it("is nobody's any more once the caller has gone", () => {
    const { call, due, answers, ended } = waitingCall();
    call.abandon();
    expect({ due, answers, ended }).toEqual({ due: [], answers: [], ended: [Code.Canceled] });
  });
});

describe("an answer that comes late and cannot be written", () => {
  it("fails its call, which is counted once, with the code that its caller sees", async () => {
    const { answers, ended, finish } = waitingCall({
      succeed: () => {
        throw new Error("a fault of the encoder");
      },
    });
    finish();
    await settled();
    expect({ answers, ended }).toEqual({ answers: ["Internal"], ended: [Code.Internal] });
  });

  it("is counted as the failure that it is where it costs the connection", async () => {
    const { call, ended, finish } = waitingCall({ succeed: () => void call.abandon() });
    finish();
    await settled();
    expect(ended).toEqual([Code.Internal]);
  });
});

describe("a dear call that waits for its turn", () => {
  it("is counted as begun once, and ends by its deadline without being asked", () => {
    const { call, ask, due, answers, ended, begun } = waitingCall({ isAsked: false });
    call.wait();
    due.shift()?.();
    due.shift()?.();
    expect(ask()).toBe(true);
    expect({ answers, ended, begun: begun() }).toEqual({
      answers: ["DeadlineExceeded"],
      ended: [Code.DeadlineExceeded],
      begun: 1,
    });
  });

  it("is one call with the use case that it waits for behind its turn", async () => {
    const { call, ask, ended, begun, finish } = waitingCall({ isAsked: false });
    call.wait();
    ask();
    finish();
    await settled();
    expect({ ended, begun: begun() }).toEqual({ ended: [0], begun: 1 });
  });

  it("leaves no work behind where its caller goes before", () => {
    const { call, ended } = waitingCall({ isAsked: false });
    call.wait();
    expect(call.abandon()).toBe(false);
    expect(ended).toEqual([Code.Canceled]);
  });
});

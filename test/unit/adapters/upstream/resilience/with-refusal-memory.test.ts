import { describe, expect, it } from "@jest/globals";
import { withRefusalMemory } from "../../../../../src/adapters/upstream/resilience/resilience.js";
import { buildCustomerState } from "../../../../../src/domain/build-customer-state.js";
import type { CustomerState } from "../../../../../src/domain/customer-state.js";
import { CodedError, type ErrorCode, errorCodeOf } from "../../../../../src/domain/errors.js";
import type { Subject } from "../../../../../src/domain/subject.js";
import { ManualClock } from "../../../../fakes/manual-clock.js";
import { never } from "./scripted-operation.js";

const FOR_MS = 30_000;

function remembering() {
  const clock = new ManualClock();
  const asked: Subject[] = [];
  const refused: unknown[] = [];
  const test = { clock, asked, refused, code: "invalid-argument" as ErrorCode | undefined, ask };
  const operation = withRefusalMemory(
    (subject) => {
      asked.push(subject);
      return test.code === undefined
        ? Promise.resolve(buildCustomerState({}))
        : Promise.reject(new CodedError(test.code, test.code));
    },
    { forMs: FOR_MS, maxSubjects: 3, onRefused: (error) => refused.push(error) },
    clock,
  );
  async function ask(customerId: string, resourceId?: string): Promise<CustomerState | ErrorCode> {
    return operation({ customerId, resourceId }, never()).catch(errorCodeOf);
  }
  return test;
}

describe("a subject that upstream refused", () => {
  it.each<ErrorCode>(["invalid-argument", "failed-precondition", "not-found"])(
    "by %s is not asked for again for a while, and then once more",
    async (code) => {
      const test = remembering();
      test.code = code;
      for (let i = 0; i < 5; i++) expect(await test.ask("a")).toBe(code);
      expect([test.asked.length, test.refused.length]).toEqual([1, 1]);
      test.clock.advance(FOR_MS);
      expect(await test.ask("a")).toBe(code);
      expect([test.asked.length, test.refused.length]).toEqual([2, 2]);
    },
  );

  it("says nothing of others, not even of its resources", async () => {
    const test = remembering();
    await test.ask("a");
    test.code = undefined;
    expect(await test.ask("b")).toMatchObject({ featureCount: 0 });
    expect(await test.ask("a", "r")).toMatchObject({ featureCount: 0 });
  });

  it("is asked for again where too many others were refused since", async () => {
    const test = remembering();
    for (const id of ["a", "b", "c", "d", "d", "a"]) await test.ask(id);
    expect(test.asked.map(({ customerId }) => customerId)).toEqual(["a", "b", "c", "d", "a"]);
  });
});

describe("a failure of upstream itself", () => {
  it.each<ErrorCode>([
    "unavailable",
    "deadline-exceeded",
    "internal",
    "unauthenticated",
    "resource-exhausted",
    "cancelled",
  ])("by %s is not remembered", async (code) => {
    const test = remembering();
    test.code = code;
    for (let i = 0; i < 3; i++) await test.ask("a");
    expect([test.asked.length, test.refused.length]).toEqual([3, 0]);
  });
});

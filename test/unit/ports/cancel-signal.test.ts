import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { Cancellation, type CancelSignal } from "../../../src/ports/waits.js";

type Step = { readonly does: "add" | "remove"; readonly listener: number } | { readonly does: "abort" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ does: fc.constant("add" as const), listener: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant("remove" as const), listener: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("abort" as const) }) },
);

/** What is heard after each step. */
function heard(signal: CancelSignal, abort: () => void, all: readonly Step[]): unknown[] {
  const calls: number[] = [];
  const listeners = [0, 1, 2, 3].map((listener) => () => void calls.push(listener));
  return all.map((step) => {
    if (step.does === "abort") abort();
    else if (step.does === "add") signal.addEventListener("abort", listeners[step.listener]!);
    else signal.removeEventListener("abort", listeners[step.listener]!);
    return [signal.aborted, calls.toSorted((a, b) => a - b)];
  });
}

describe("a cancellation", () => {
  it("is heard as a signal of the runtime is", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 20 }), (all) => {
        const own = new Cancellation();
        const native = new AbortController();
        expect(heard(own, () => own.abort(), all)).toEqual(heard(native.signal, () => native.abort(), all));
      }),
    );
  });

  it("keeps the first reason", () => {
    const cancellation = new Cancellation();
    cancellation.abort("first");
    cancellation.abort("second");
    expect(cancellation).toMatchObject({ aborted: true, reason: "first" });
  });
});

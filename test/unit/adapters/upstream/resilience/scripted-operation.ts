import type { Operation } from "../../../../../src/adapters/upstream/resilience/operation.js";
import { CodedError, ERROR_CODES } from "../../../../../src/domain/errors.js";
import { Calls } from "../../../../fakes/controllable-upstream.js";

/** An operation whose every call waits until the test answers it, or its signal aborts. */
export function controllableOperation() {
  const calls = new Calls<string, string>();
  const operation: Operation<string, string> = (input, signal) => calls.begin(input, signal);
  return { calls, operation };
}

/** An operation that does at each call what stands next in the script: an error code fails, all else is an answer. */
export function scriptedOperation(...script: string[]) {
  const inputs: string[] = [];
  const operation: Operation<string, string> = (input) => {
    const step = script[inputs.push(input) - 1];
    if (step === undefined) return Promise.reject(new Error("called more often than scripted"));
    const code = ERROR_CODES.find((candidate) => candidate === step);
    return code === undefined ? Promise.resolve(step) : Promise.reject(new CodedError(code, step));
  };
  return { inputs, operation };
}

/** A caller who waits for ever. */
export const never = () => new AbortController().signal;

/** What a call came to, as one word: its answer, or the code of its failure. */
export async function outcomeOf(call: Promise<string>): Promise<string> {
  try {
    return await call;
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error);
  }
}

import { setTimeout as delay } from "node:timers/promises";
import { expect } from "@jest/globals";

interface Patience {
  /** In milliseconds. 1,000 unless told. */
  readonly timeout?: number;
  /** In milliseconds, between one try and the next. 50 unless told. */
  readonly interval?: number;
}

type Matchers = ReturnType<typeof expect>;
type Awaited = Omit<
  {
    readonly [Name in keyof Matchers]: Matchers[Name] extends (...args: infer Args) => unknown
      ? (...args: Args) => Promise<void>
      : never;
  },
  "not" | "resolves" | "rejects"
>;

/** Tries until `holds` throws nothing, for what tells of itself by no event. @returns what it returned @throws as the last try did */
export async function untilPasses<T>(
  holds: () => T | Promise<T>,
  { timeout = 1_000, interval = 50 }: Patience = {},
): Promise<T> {
  const giveUpAt = performance.now() + timeout;
  for (;;) {
    try {
      return await holds();
    } catch (error) {
      if (performance.now() >= giveUpAt) throw error;
    }
    await delay(interval);
  }
}

/** Expects of what `read` returns that it comes to match: `await eventually(() => calls.length).toBe(2)`. */
export function eventually(read: () => unknown, patience?: Patience): Awaited & { readonly not: Awaited } {
  return { ...matchersOf(false), not: matchersOf(true) };

  function matchersOf(isNegated: boolean): Awaited {
    const matching =
      (name: string) =>
      (...args: readonly unknown[]) =>
        untilPasses(async () => {
          const expectation = expect(await read());
          const matchers = (isNegated ? expectation.not : expectation) as unknown as Readonly<
            Record<string, (...args: readonly unknown[]) => void>
          >;
          matchers[name]!(...args);
        }, patience);
    const names = Object.keys(expect(undefined)).filter((name) => !["not", "resolves", "rejects"].includes(name));
    return Object.fromEntries(names.map((name) => [name, matching(name)])) as unknown as Awaited;
  }
}

/** Runs an expectation. Where it fails, the failure begins with the reason: which row, which seed. */
export function because<T>(reason: unknown, expectation: () => T): T {
  const explained = (error: unknown): never => {
    if (error instanceof Error) error.message = `${String(reason)}\n\n${error.message}`;
    throw error;
  };
  try {
    const result = expectation();
    return result instanceof Promise ? (result.catch(explained) as T) : result;
  } catch (error) {
    return explained(error);
  }
}

/** For what must not be reached. */
export function fail(reason: string): never {
  throw new Error(reason);
}

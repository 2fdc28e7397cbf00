/** One field that is not as it must be. */
export type Difference = string;

/**
 * What of an answer is not as expected; fields that are not expected may be anything.
 *
 * @param expected as `Expected` says
 */
export function differences(answer: unknown, expected: unknown, path = ""): readonly Difference[] {
  if (typeof expected === "function") {
    const wrong = (expected as (value: unknown) => string | undefined)(answer);
    return wrong === undefined ? [] : [`${nameOf(path)} ${wrong}, not ${show(answer)}`];
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(answer) || answer.length !== expected.length)
      return [`${nameOf(path)} must be ${show(expected)}, not ${show(answer)}`];
    return expected.flatMap((item, index) => differences(answer[index], item, `${path}[${index}]`));
  }
  if (typeof expected === "object" && expected !== null) {
    if (typeof answer !== "object" || answer === null)
      return [`${nameOf(path)} must be set, to ${show(expected)}, not ${show(answer)}`];
    return Object.entries(expected).flatMap(([field, value]) =>
      differences((answer as Record<string, unknown>)[field], value, path === "" ? field : `${path}.${field}`),
    );
  }
  if (Object.is(answer, expected)) return [];
  if (expected === undefined) return [`${nameOf(path)} must not be set, and is ${show(answer)}`];
  return [`${nameOf(path)} must be ${show(expected)}, not ${show(answer)}`];
}

function nameOf(path: string): string {
  return path === "" ? "the answer" : path;
}

function show(value: unknown): string {
  if (value === undefined) return "absent";
  const text = JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

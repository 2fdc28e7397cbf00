/** One field that is not what the wire promises. Says where and what, without the rest of the payload. */
export class FieldFault extends Error {
  override readonly name = "FieldFault";

  /** @param expected a noun phrase: "a non-empty string" */
  constructor(path: string, expected: string, found: unknown) {
    super(`${path}: expected ${expected}, found ${describe(found)}`);
  }
}

const SHOWN_CHARACTERS = 40;

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

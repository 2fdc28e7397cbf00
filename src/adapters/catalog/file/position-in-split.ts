import type { CatalogPath, TextPosition } from "./catalog-fault.js";
import { parseCatalogText } from "./parse-catalog-text.js";
import type { ByteRange, SplitJson } from "./split-json.js";

/** The place of a path in a text of which only one part, the one where it lies, is read for it. */
export function positionInSplit(
  source: string,
  body: Buffer,
  split: SplitJson,
  path: CatalogPath,
): TextPosition | undefined {
  const [key, index, ...rest] = path;
  const member = split.members.find((each) => each.key === key);
  if (member === undefined) return positionAt(body, 0);
  if (index === undefined) return positionAt(body, member.keyStart);
  if (key === "customers")
    return typeof index === "number" ? positionInPart(source, body, split.item(index), rest) : undefined;
  return positionInPart(source, body, member, [index, ...rest]);
}

function positionInPart(source: string, body: Buffer, { start, end }: ByteRange, path: CatalogPath): TextPosition {
  const from = positionAt(body, start);
  const within = parseCatalogText(source, body.toString("utf8", start, end)).positionOf(path);
  if (within === undefined) return from;
  return within.line === 1
    ? { line: from.line, column: from.column + within.column - 1 }
    : { line: from.line + within.line - 1, column: within.column };
}

function positionAt(body: Buffer, offset: number): TextPosition {
  let line = 1;
  let lineStart = 0;
  for (
    let newline = body.indexOf("\n");
    newline !== -1 && newline < offset;
    newline = body.indexOf("\n", newline + 1)
  ) {
    line++;
    lineStart = newline + 1;
  }
  return { line, column: body.toString("utf8", lineStart, offset).length + 1 };
}

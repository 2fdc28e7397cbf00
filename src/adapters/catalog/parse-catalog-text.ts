import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Alias, type Document, type Node } from "yaml";
import { faultyCatalogError, type CatalogPath, type TextPosition } from "./catalog-fault.js";
import { parsePlainJson } from "./plain-json.js";

/**
 * How often anchors may be repeated, nested repetition multiplied. Enough for a default shared by every
 * customer of a file, far too little for a document that unfolds without end.
 */
const MAX_ALIASES = 10_000;

/** What a text says, and where it says it. */
export interface CatalogText {
  readonly value: unknown;
  /** The place of the deepest part of the path that the text has. */
  readonly positionOf: (path: CatalogPath) => TextPosition | undefined;
}

/**
 * Reads YAML 1.2 with merge keys, and so JSON. A key that occurs twice in one mapping is a fault.
 *
 * @param source named in errors
 * @throws CodedError `invalid-argument` with line and column of every syntax error
 */
export function parseCatalogText(source: string, text: string): CatalogText {
  const json = parsePlainJson(text);
  // Places are of use only where something is at fault.
  if (json !== undefined) return { value: json.value, positionOf: (path) => parseYaml(source, text).positionOf(path) };
  return parseYaml(source, text);
}

function parseYaml(source: string, text: string): CatalogText {
  const lines = new LineCounter();
  const positionAt = (offset: number): TextPosition => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const fail = (message: string, offset: number): never => {
    throw faultyCatalogError(source, [{ path: [], message }], () => positionAt(offset));
  };
  try {
    const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false, logLevel: "error" });
    const [error] = document.errors;
    if (error !== undefined) return fail(`${error.message}; correct it as YAML or JSON`, error.pos[0]);
    const dangling = danglingAlias(document);
    if (dangling !== undefined) return fail(`there is no anchor &${dangling.source} before this; define it, or put the text in quotes`, dangling.range?.[0] ?? 0);
    return {
      value: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown,
      positionOf: (path) => {
        const range = deepestNode(document, path)?.range;
        return range === null || range === undefined ? undefined : positionAt(range[0]);
      },
    };
  } catch (error) {
    if (error instanceof RangeError) return fail("it is nested too deeply; catalogs need a handful of levels", 0);
    if (error instanceof ReferenceError) return fail(`${error.message}; repeat anchors less often`, 0);
    throw error;
  }
}

function danglingAlias(document: Document.Parsed): Alias | undefined {
  const anchors = new Set<string>();
  let dangling: Alias | undefined;
  visit(document, {
    Alias: (_key, alias) => {
      if (anchors.has(alias.source)) return undefined;
      dangling = alias;
      return visit.BREAK;
    },
    Value: (_key, { anchor }) => {
      if (anchor !== undefined) anchors.add(anchor);
    },
  });
  return dangling;
}

function deepestNode(document: Document.Parsed, path: CatalogPath): Node | undefined {
  let node = resolve(document, document.contents);
  let named = node;
  for (const step of path) {
    const next = stepInto(document, node, step);
    if (next === undefined) break;
    node = resolve(document, next.value) ?? next.key;
    // The key of a field is where people look, also where the value stands elsewhere behind an anchor.
    named = next.key ?? node;
  }
  return named;
}

interface Step {
  readonly key: Node | undefined;
  readonly value: unknown;
}

function stepInto(document: Document.Parsed, node: Node | undefined, step: string | number): Step | undefined {
  if (isSeq(node) && typeof step === "number") {
    const value = node.items[step];
    return value === undefined ? undefined : { key: undefined, value };
  }
  if (!isMap(node)) return undefined;
  for (const { key, value } of node.items) {
    if (isScalar(key) && String(key.value) === String(step)) return { key, value };
  }
  for (const { key, value } of node.items) {
    if (!isScalar(key) || key.source !== "<<") continue;
    const merged = resolve(document, value);
    const sources = isSeq(merged) ? merged.items : [merged];
    for (const source of sources) {
      const found = stepInto(document, resolve(document, source), step);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function resolve(document: Document.Parsed, node: unknown): Node | undefined {
  if (isAlias(node)) return node.resolve(document);
  return isMap(node) || isSeq(node) || isScalar(node) ? node : undefined;
}

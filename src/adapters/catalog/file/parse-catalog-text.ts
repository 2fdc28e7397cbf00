import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import { type CatalogPath, faultyCatalogError, type TextPosition } from "./catalog-fault.js";

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
 * Reads YAML 1.2 with merge keys, and so JSON. A key that occurs twice in one mapping is a fault, also where it is
 * written as a number once and as a text once: as a name of a feature or currency both are the same.
 *
 * @param source named in errors
 * @throws CodedError `invalid-argument` with line and column of every syntax error
 */
export function parseCatalogText(source: string, text: string): CatalogText {
  const json = parsePlainJson(text);
  // Places are of use only where something is at fault.
  if (json !== undefined) {
    let asYaml: CatalogText | undefined;
    return { value: json.value, positionOf: (path) => (asYaml ??= parseYaml(source, text)).positionOf(path) };
  }
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
    if (dangling !== undefined)
      return fail(
        `there is no anchor &${dangling.source} before this; define it, or put the text in quotes`,
        dangling.range?.[0] ?? 0,
      );
    const repeated = repeatedKey(document, document.contents);
    if (repeated !== undefined) {
      const { line } = positionAt(repeated.first.range?.[0] ?? 0);
      return fail(
        `the key ${JSON.stringify(repeated.name)} is in this mapping already, in line ${line} and written in another way; keys are unique, rename or remove one`,
        repeated.second.range?.[0] ?? 0,
      );
    }
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

interface RepeatedKey {
  readonly name: string;
  readonly first: Node;
  readonly second: Node;
}

/** The parser compares keys as values, and "1" is not 1; as properties they are the same. */
function repeatedKey(document: Document.Parsed, contents: Node | null): RepeatedKey | undefined {
  let repeated: RepeatedKey | undefined;
  visit(contents, {
    Map: (_key, map) => {
      const known = new Map<string, Node>();
      for (const { key } of map.items) {
        const scalar = resolve(document, key);
        if (!isScalar(scalar) || !isNode(key)) continue;
        const name = nameOf(scalar.value as ScalarKey);
        const first = known.get(name);
        if (first === undefined) known.set(name, key);
        // Several merges are one mapping after the other.
        else if (scalar.source !== "<<") {
          repeated = { name, first, second: key };
          return visit.BREAK;
        }
      }
      return undefined;
    },
  });
  return repeated;
}

type ScalarKey = string | number | boolean | bigint | null;

/** As which property the parser's objects have a key. */
function nameOf(key: ScalarKey): string {
  return key === null ? "" : String(key);
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

/** Keys that mean more in YAML than in JSON: a merge, and what is no ordinary property of an object. */
const KEYS_WITH_A_MEANING: ReadonlySet<string> = new Set(["<<", "__proto__"]);

/**
 * Reads a text that is JSON and means as YAML just the same, which is many times as fast: big catalogs are written by
 * programs, as JSON.
 *
 * @returns undefined for any other text, also where it is nearly JSON: a reader of YAML can tell what is wrong with it
 */
export function parsePlainJson(text: string): { readonly value: unknown } | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return countMembers(value) === countMembersWritten(text) ? { value } : undefined;
  } catch {
    return undefined;
  }
}

/** A key that is written twice stands once in what is read. NaN where a key means something else in YAML. */
function countMembers(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  if (Array.isArray(value)) return value.reduce((count: number, item) => count + countMembers(item), 0);
  let count = 0;
  for (const [key, member] of Object.entries(value)) {
    if (KEYS_WITH_A_MEANING.has(key)) return NaN;
    count += 1 + countMembers(member);
  }
  return count;
}

/** Colons outside of texts. */
function countMembersWritten(json: string): number {
  let count = 0;
  let isInText = false;
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (isInText && character === "\\") i++;
    else if (character === '"') isInText = !isInText;
    else if (character === ":" && !isInText) count++;
  }
  return count;
}

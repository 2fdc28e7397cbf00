import { isUtf8 } from "node:buffer";
import { CodedError } from "../../../domain/errors.js";
import type { CatalogModel, PackedCatalog } from "../model/catalog-model.js";
import { type CatalogDifference, compareCatalogs, type ServedCatalog } from "../model/compare-catalogs.js";
import { CatalogPacker, unpackCatalog } from "../model/pack-catalog.js";
import { type CatalogFault, type CatalogPath, faultyCatalogError, type TextPosition } from "./catalog-fault.js";
import type { CatalogInput } from "./catalog-input.js";
import { checkCustomerShape, checkShape } from "./check-shape.js";
import { parseCatalogText, parsePlainJson } from "./parse-catalog-text.js";
import { type ByteRange, type SplitJson, splitJson } from "./split-json.js";

/** Beyond it only JSON is read, which is read customer by customer; YAML takes a hundred times its size while it is read. */
const MAX_YAML_BYTES = 64 * 1024 * 1024;

/** A million customers of a kilobyte. */
const MAX_JSON_BYTES = 1024 * 1024 * 1024;

/** Up to here a catalog with a fault is read again as YAML, which knows places best. */
const MAX_REREAD_BYTES = 1024 * 1024;

/**
 * Reads a catalog from text.
 *
 * @param source named in errors, for example the file
 * @throws CodedError `invalid-argument` with every fault, its line, column and remedy
 */
export function loadCatalogText(source: string, text: string): CatalogModel {
  return unpackCatalog(packCatalogText(source, Buffer.from(text)));
}

/**
 * Reads a catalog from an object, which is checked as a file is.
 *
 * @throws CodedError `invalid-argument` with every fault, its path and remedy
 */
export function loadCatalogObject(value: unknown): CatalogModel {
  return unpackCatalog(packValue("catalog object", value, () => undefined));
}

/**
 * Reads a catalog from a text in UTF-8.
 *
 * @throws CodedError as loadCatalogText does
 */
export function packCatalogText(source: string, bytes: Buffer): PackedCatalog {
  if (!isUtf8(bytes))
    throw new CodedError("invalid-argument", `the catalog file ${source} is not UTF-8 text; save it as UTF-8`);
  const body = bytes.subarray(bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);
  const isTooLarge = (max: number, advice: string) =>
    new CodedError(
      "invalid-argument",
      `the catalog file ${source} has ${bytes.length} bytes; at most ${max} are read${advice}`,
    );
  if (body.length > MAX_JSON_BYTES) throw isTooLarge(MAX_JSON_BYTES, ", split the catalog");
  const split = splitJson(body, "customers");
  const packed = split === undefined ? undefined : packSplit(source, body, split);
  if (packed !== undefined) return packed;
  if (body.length > MAX_YAML_BYTES)
    throw isTooLarge(MAX_YAML_BYTES, " as YAML; write it as JSON without repeated keys, or split the catalog");
  const { value, positionOf } = parseCatalogText(source, body.toString("utf8"));
  return packValue(source, value, positionOf);
}

function packValue(
  source: string,
  value: unknown,
  positionOf: (path: CatalogPath) => TextPosition | undefined,
): PackedCatalog {
  const shape = checkShape(value);
  if ("faults" in shape) throw faultyCatalogError(source, shape.faults, positionOf);
  const packer = new CatalogPacker(shape.catalog);
  shape.catalog.customers.forEach((customer, index) => packer.add(customer, index));
  if (packer.faults.all.length > 0) throw faultyCatalogError(source, packer.faults.all, positionOf);
  return packer.finish();
}

/** @returns undefined where a part is not plain JSON, or a reader of YAML is better placed to say what is wrong */
function packSplit(source: string, body: Buffer, split: SplitJson): PackedCatalog | undefined {
  const others = split.members
    .filter(({ key }) => key !== "customers")
    .map(({ keyStart, end }) => body.toString("utf8", keyStart, end));
  const head = parsePlainJson(`{${others.join(",")}}`);
  if (head === undefined) return undefined;
  const shapeFaults: CatalogFault[] = [];
  const shape = checkShape({ ...(head.value as object), customers: [] });
  if ("faults" in shape) shapeFaults.push(...shape.faults);
  const packer = new CatalogPacker("faults" in shape ? NO_NAMES : shape.catalog);
  for (let index = 0; index < split.itemCount; index++) {
    const { start, end } = split.item(index);
    const item = parsePlainJson(body.toString("utf8", start, end));
    if (item === undefined) return undefined;
    const checked = checkCustomerShape(item.value, ["customers", index]);
    if ("faults" in checked) shapeFaults.push(...checked.faults);
    else if (shapeFaults.length === 0) packer.add(checked.customer, index);
  }
  // Names are looked at once all has the shape of a catalog, or one mistake would be reported as many.
  const faults = shapeFaults.length > 0 ? shapeFaults : packer.faults.all;
  if (faults.length === 0) return packer.finish();
  if (body.length <= MAX_REREAD_BYTES) return undefined;
  throw faultyCatalogError(source, faults, (path) => positionInSplit(source, body, split, path));
}

const NO_NAMES: CatalogInput = { features: [], customers: [] };

/** The place of a path in a text of which only one part, the one where it lies, is read for it. */
function positionInSplit(source: string, body: Buffer, split: SplitJson, path: CatalogPath): TextPosition | undefined {
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

/** What can be handed to a worker: in shared memory, so that nothing large is copied. */
export interface ReadRequest {
  /** Named in errors. */
  readonly file: string;
  readonly bytes: Uint8Array;
  /** The catalog to compare with, where one is served. */
  readonly served: ServedCatalog | undefined;
}

export interface ReadCatalog {
  readonly packed: PackedCatalog;
  /** Undefined where there was nothing to compare with. */
  readonly difference: CatalogDifference | undefined;
}

/** What a worker answers: what it read, or what is wrong with it. */
export type ReadReply = { readonly read: ReadCatalog } | { readonly fault: string };

/** @throws CodedError `invalid-argument` with every fault, its line, column and remedy */
export function readCatalog({ file, bytes, served }: ReadRequest): ReadCatalog {
  const packed = packCatalogText(file, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return { packed, difference: served === undefined ? undefined : compareCatalogs(served, packed) };
}

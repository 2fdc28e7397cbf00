import { type CatalogDifference, compareCatalogs, type ServedCatalog } from "../model/compare-catalogs.js";
import type { PackedCatalog } from "../model/packed-catalog.js";
import { packCatalogText } from "./load-catalog.js";

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

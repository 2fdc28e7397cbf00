import { faultyCatalogError, type CatalogPath, type TextPosition } from "./catalog-fault.js";
import type { CatalogModel } from "./catalog-model.js";
import { checkShape } from "./check-shape.js";
import { compileCatalog } from "./compile-catalog.js";
import { FaultList } from "./fault-list.js";
import { parseCatalogText } from "./parse-catalog-text.js";

/**
 * Reads a catalog from text.
 *
 * @param source named in errors, for example the file
 * @throws CodedError `invalid-argument` with every fault, its line, column and remedy
 */
export function loadCatalogText(source: string, text: string): CatalogModel {
  const { value, positionOf } = parseCatalogText(source, text);
  return modelOf(source, value, positionOf);
}

/**
 * Reads a catalog from an object, which is checked as a file is.
 *
 * @throws CodedError `invalid-argument` with every fault, its path and remedy
 */
export function loadCatalogObject(value: unknown): CatalogModel {
  return modelOf("catalog object", value, () => undefined);
}

function modelOf(source: string, value: unknown, positionOf: (path: CatalogPath) => TextPosition | undefined): CatalogModel {
  const shape = checkShape(value);
  if ("faults" in shape) throw faultyCatalogError(source, shape.faults, positionOf);
  const faults = new FaultList();
  const model = compileCatalog(shape.catalog, faults);
  if (faults.all.length > 0) throw faultyCatalogError(source, faults.all, positionOf);
  return model;
}

import type { ErrorObject } from "ajv/dist/2020.js";
import { editDistance } from "../../../domain/decision/nearest-ids.js";
import { validateCatalog, validateCustomer } from "../gen/catalog-validator.js";
import type { CatalogFault, CatalogPath } from "./catalog-fault.js";
import type { CatalogInput, CustomerInput } from "./catalog-input.js";

/** Whether a value has the shape of a catalog, by the schema that ships with the package. */
export function checkShape(
  value: unknown,
): { readonly catalog: CatalogInput } | { readonly faults: readonly CatalogFault[] } {
  return validateCatalog(value) ? { catalog: value } : { faults: faultsOf(validateCatalog.errors, value, []) };
}

/** The same of one customer. */
export function checkCustomerShape(
  value: unknown,
  path: CatalogPath,
): { readonly customer: CustomerInput } | { readonly faults: readonly CatalogFault[] } {
  return validateCustomer(value) ? { customer: value } : { faults: faultsOf(validateCustomer.errors, value, path) };
}

function faultsOf(
  errors: readonly ErrorObject[] | null | undefined,
  value: unknown,
  at: CatalogPath,
): readonly CatalogFault[] {
  const faults = (errors ?? []).filter(({ keyword }) => keyword !== "if").map((error) => faultOf(error, value));
  return faults.map(({ path, message }) => ({ path: [...at, ...path], message }));
}

function faultOf(error: ErrorObject, value: unknown): CatalogFault {
  const path = pathOf(error.instancePath, value);
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case "additionalProperties": {
      const field = String(params["additionalProperty"]);
      return { path: [...path, field], message: unknownField(field, fieldsOf(error)) };
    }
    case "required":
      return { path, message: `${JSON.stringify(params["missingProperty"])} is missing; add it` };
    case "type":
      return { path, message: wrongType(params["type"], error.data) };
    case "enum":
      return {
        path,
        message: `${show(error.data)} is not one of ${(params["allowedValues"] as readonly unknown[]).map(show).join(", ")}`,
      };
    case "pattern":
      return {
        path,
        message: `${show(error.data)} means nothing here; write true, false, a number, "unlimited" or a list of values`,
      };
    case "minLength":
      return { path, message: "must not be empty" };
    case "maximum":
      return {
        path,
        message: `${show(error.data)} is beyond 2^53, where numbers cannot be kept exactly; use a larger unit`,
      };
    case "minimum":
      return {
        path,
        message: `${show(error.data)} is below ${String(params["limit"])}; write a number from ${String(params["limit"])} up`,
      };
    default:
      return { path, message: error.message ?? `breaks the rule ${error.keyword}` };
  }
}

/** Steps of a JSON pointer, those into lists as numbers. */
function pathOf(pointer: string, value: unknown): CatalogPath {
  const steps: (string | number)[] = [];
  let here = value;
  for (const encoded of pointer.split("/").slice(1)) {
    const step = encoded.replaceAll("~1", "/").replaceAll("~0", "~");
    steps.push(Array.isArray(here) ? Number(step) : step);
    here = (here as Record<string, unknown> | undefined)?.[step];
  }
  return steps;
}

function fieldsOf(error: ErrorObject): readonly string[] {
  const { properties } = (error.parentSchema ?? {}) as { readonly properties?: object };
  return Object.keys(properties ?? {});
}

function unknownField(field: string, known: readonly string[]): string {
  const near = known.filter((each) => editDistance(field.toLowerCase(), each.toLowerCase()) <= 2);
  const hint =
    near[0] === undefined ? `fields here are ${known.join(", ")}` : `did you mean ${JSON.stringify(near[0])}?`;
  return `there is no field ${JSON.stringify(field)}; ${hint}`;
}

function wrongType(wanted: unknown, found: unknown): string {
  const allowed = (Array.isArray(wanted) ? wanted : [wanted]).map(String);
  const quoted = allowed.includes("string") && (Number.isFinite(found) || typeof found === "boolean");
  return `must be ${allowed.map(withArticle).join(" or ")}, not ${show(found)}${quoted ? "; put it in quotes" : ""}`;
}

function withArticle(type: string): string {
  const name = type === "object" ? "mapping" : type === "array" ? "list" : type;
  return `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
}

function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  // JSON has no word for these, and would say null.
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return `a ${typeof value}`;
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

import { invalidArgument } from "./invalid-argument.js";

/** @throws CodedError `invalid-argument` naming the field */
export function requiredId(id: string, field: string): string {
  if (id === "") throw invalidArgument(`${field} is required and was empty: send a non-empty string`);
  return id;
}

/** Clients of some languages send "" for an id that they leave out, so it counts as left out. */
export function optionalId(id: string | undefined): string | undefined {
  return id === "" ? undefined : id;
}

/** @throws CodedError `invalid-argument` naming the field */
export function finite(value: number, field: string): number {
  if (!Number.isFinite(value)) throw invalidArgument(`${field} was ${value}: send a finite number`);
  return value;
}

/** @throws CodedError `invalid-argument` naming the field */
export function optionalFinite(value: number | undefined, field: string): number | undefined {
  return value === undefined ? undefined : finite(value, field);
}

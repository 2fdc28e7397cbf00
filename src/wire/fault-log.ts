import type { Logger } from "../ports/logger.js";
import type { Telemetry } from "../ports/telemetry.js";

/** How many different faults are reported; what comes after that is counted alone. */
const MAX_REPORTED = 1_000;

/** Counts every part of upstream's data that cannot be used, and logs each kind of fault once, with the first entitlement that had it. */
export class FaultLog {
  readonly #logger: Logger;
  readonly #telemetry: Telemetry;
  readonly #reported = new Set<string>();

  constructor(logger: Logger, telemetry: Telemetry) {
    this.#logger = logger;
    this.#telemetry = telemetry;
  }

  /** @param where what the fault was found in, for example "Edge's entitlements" */
  add(where: string, fault: FieldFault): void {
    this.#telemetry.malformedUpstreamData++;
    const key = JSON.stringify([where, fault.message]);
    if (this.#reported.size >= MAX_REPORTED || this.#reported.has(key)) return;
    this.#reported.add(key);
    this.#logger.warn("a part of what upstream sent cannot be used and is left out", {
      where,
      fault: fault.message,
      entitlementId: fault.entitlementId,
    });
  }
}

/** One field that is not what the wire promises. Says where and what, without the rest of the payload. */
export class FieldFault extends Error {
  override readonly name = "FieldFault";
  /** The same without what was found, for where nothing of a payload may be shown. */
  readonly expectation: string;
  /** The id of the entitlement that it was found in; undefined where it is of none, or the id could not be read. */
  readonly entitlementId: string | undefined;

  /** @param expected a noun phrase: "a non-empty string" */
  constructor(path: string, expected: string, found: unknown, entitlementId?: string) {
    const expectation = `${path}: expected ${expected}`;
    super(`${expectation}, found ${describe(found)}`);
    this.expectation = expectation;
    this.entitlementId = entitlementId;
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

import type { Logger } from "../ports/logger.js";
import type { Telemetry } from "../ports/telemetry.js";
import type { FieldFault } from "./field-fault.js";

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

import { saysEntityIsMissing } from "../../domain/decision/access-denied-reason.js";
import type { Subject } from "../../domain/subject.js";
import type { Span } from "../../ports/tracer.js";
import type { LoadState } from "../load/load-state.js";

/** Replaces what is cached of a subject by what upstream says now, for a caller who has just changed something there. */
export class ReloadEntitlements {
  readonly #load: LoadState;

  constructor(load: LoadState) {
    this.#load = load;
  }

  /**
   * @returns whether upstream knows the customer, and the resource where one is named
   * @throws CodedError upstream's failure: a caller who needs to read its own write must not be told otherwise
   */
  async reload(subject: Subject, span?: Span): Promise<{ readonly entitledEntityExists: boolean }> {
    const reloaded = await this.#load.reload(subject, span);
    return {
      entitledEntityExists: reloaded !== undefined && !saysEntityIsMissing(reloaded.state.accessDeniedReason),
    };
  }
}

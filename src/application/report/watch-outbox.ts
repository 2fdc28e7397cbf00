import type { CancelTimer, Clock } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import type { Outbox } from "../../ports/outbox.js";

const INTERVAL_MS = 10_000;
/** From which share of what it may take on there is a warning; and from which age of what waits, milliseconds. */
const FULL_SHARE = 0.8;
const OLD_MS = 900_000;

/** Warns once when the outbox fills up or what is in it is not delivered, and says when that is over. */
export class WatchOutbox {
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #room: OutageLog;
  readonly #age: OutageLog;
  #cancel: CancelTimer = () => undefined;

  constructor(outbox: Outbox, clock: Clock, logger: Logger) {
    this.#outbox = outbox;
    this.#clock = clock;
    this.#room = new OutageLog(logger);
    this.#age = new OutageLog(logger);
  }

  start(): void {
    this.#look();
    this.#cancel = this.#clock.after(INTERVAL_MS, () => this.start());
  }

  stop(): void {
    this.#cancel();
  }

  #look(): void {
    const { bytes, maxBytes, state } = this.#outbox;
    const fields = { bytes, maxBytes, pending: state.pending };
    if (bytes > maxBytes * FULL_SHARE)
      this.#room.lost(
        "warn",
        "the outbox is nearly full: reports are refused once it is; give it more by USAGE_OUTBOX_MAX_BYTES, or see why upstream does not take them",
        fields,
      );
    else if (this.#room.isLost) this.#room.recovered("the outbox has room again", fields);
    const oldestAt = state.oldestAt();
    const ageMs = oldestAt === undefined ? 0 : this.#clock.now() - oldestAt;
    if (ageMs > OLD_MS)
      this.#age.lost("warn", "reports wait in the outbox for more than 15 minutes", { ...fields, oldestAgeMs: ageMs });
    else if (this.#age.isLost) this.#age.recovered("what waited in the outbox is delivered", fields);
  }
}

import type { CodedError } from "../../domain/errors.js";
import type { AsideItem, OutboxRecord } from "../../domain/outbox/outbox-record.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { Outbox } from "../../ports/outbox.js";

/** How long after a failed write it is tried again, milliseconds. */
const AGAIN_MS = 1_000;

/** Writes down what happens to reports. What has happened is written until it is; what is about to happen waits for it. */
export class OutboxNotes {
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(outbox: Outbox, clock: Clock, logger: Logger) {
    this.#outbox = outbox;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** @returns whether all of them are written */
  write(records: readonly OutboxRecord[]): Promise<boolean> {
    return new Promise((resolve) => {
      let left = records.length;
      let isFine = true;
      if (left === 0) resolve(true);
      const written = (error: CodedError | undefined) => {
        isFine &&= error === undefined;
        if (--left === 0) resolve(isFine);
      };
      for (const record of records) this.#outbox.note(record, written);
    });
  }

  /** Resolves once it is written, however long there is no room. */
  keep(record: OutboxRecord): Promise<void> {
    return new Promise((resolve) => {
      const attempt = () => {
        this.#outbox.note(record, (error) => {
          if (error === undefined) resolve();
          else this.#clock.after(AGAIN_MS, attempt);
        });
      };
      attempt();
    });
  }

  /** Keeps an item for an operator, and says so. */
  async setAside(item: AsideItem): Promise<void> {
    const content = "usage" in item.content ? item.content.usage : item.content.event;
    const what =
      "usage" in item.content
        ? { featureId: item.content.usage.featureId }
        : { eventName: item.content.event.eventName };
    const fields = {
      customerId: content.subject.customerId,
      ...what,
      reason: item.reason,
      count: item.count,
      item: item.id,
    };
    if (item.list === "rejected")
      this.#logger.error(
        "upstream refused reports of usage: they do not count, and are kept in the outbox's list of rejected ones",
        fields,
      );
    else
      this.#logger.error(
        "whether reports of usage count cannot be found out any more: they are kept in the outbox's list of those in doubt",
        fields,
      );
    await this.keep({ type: "set-aside", item });
  }
}

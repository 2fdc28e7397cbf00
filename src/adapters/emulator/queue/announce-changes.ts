import type { Change } from "../../../domain/change.js";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import { OutageLog } from "../../../ports/outage-log.js";
import { elapse } from "../../../ports/waits.js";
import { type ChangeMessage, encodeChangeMessage } from "./encode-change-message.js";
import { MAX_SENT_TOGETHER, type SqsSender } from "./sqs-sender.js";

/** Far more than a queue that can be reached is ever behind. */
const MAX_WAITING = 100_000;
const REJECTED = "changes cannot be sent to the queue; they are sent once it takes them";
const RETRY_DELAY_MS = 1_000;
/** How long the last messages may take to be sent. */
const STOP_MS = 2_000;

/** Tells a queue of every change, in order: no message is sent before the one ahead of it is taken. */
export class AnnounceChanges {
  readonly #sender: SqsSender;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #waiting: ChangeMessage[] = [];
  #sending: Promise<void> | undefined;
  readonly #outage: OutageLog;

  constructor(sender: SqsSender, clock: Clock, logger: Logger) {
    this.#sender = sender;
    this.#clock = clock;
    this.#logger = logger;
    this.#outage = new OutageLog(logger);
  }

  announce(change: Change): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#logger.error("the queue is too far behind; a change is dropped", { type: change.type });
      return;
    }
    this.#waiting.push(encodeChangeMessage(change, this.#clock.now()));
    this.#sending ??= this.#send().finally(() => (this.#sending = undefined));
  }

  async stop(): Promise<void> {
    const cancelTimer = this.#clock.after(STOP_MS, () => this.#stopping.abort());
    await this.#sending;
    cancelTimer();
    this.#sender.close();
  }

  async #send(): Promise<void> {
    // What is reported in the same breath goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#stopping.signal.aborted) {
      const batch = this.#waiting.splice(0, MAX_SENT_TOGETHER);
      const failed = await this.#attempt(batch);
      if (failed.length === 0) continue;
      this.#waiting.unshift(...failed);
      await elapse(RETRY_DELAY_MS, this.#clock, this.#stopping.signal);
    }
  }

  /** @returns those that were not taken */
  async #attempt(batch: readonly ChangeMessage[]): Promise<readonly ChangeMessage[]> {
    try {
      const failed = await this.#sender.send(batch, this.#stopping.signal);
      if (failed.length > 0) this.#outage.lost("error", REJECTED, { rejected: failed.length });
      else if (this.#outage.isLost) this.#outage.recovered("the queue takes changes again");
      return failed;
    } catch (error) {
      this.#outage.lost("error", REJECTED, { error });
      return batch;
    }
  }
}

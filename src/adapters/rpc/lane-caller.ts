import { Code, ConnectError } from "@connectrpc/connect";
import type { CallContext } from "../../application/answer.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";
import type { Reply } from "./unary-call.js";
import { unlessAborted } from "./unless-aborted.js";

/** Who waits for the answer to a call in a lane: until when, and whether still. A base of calls, which so are one object each. */
export abstract class LaneCaller<O> implements CallContext {
  readonly deadlineAt: number | undefined;
  readonly #clock: Clock;
  #caller: AbortController | undefined;
  #hasGone = false;

  /** @param timeoutMs how long the caller waits, milliseconds or Infinity */
  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.deadlineAt = timeoutMs === Infinity ? undefined : clock.now() + timeoutMs;
  }

  /** Made when somebody asks for it, which nobody does who answers at once. */
  get signal(): AbortSignal {
    if (this.#caller === undefined) {
      this.#caller = new AbortController();
      if (this.#hasGone) this.#caller.abort();
    }
    return this.#caller.signal;
  }

  /** Nobody waits any more. */
  protected goAway(): void {
    this.#hasGone = true;
    this.#caller?.abort();
  }

  /** Delivers what is to come, or tells why it does not: at once where the caller's time is up before. */
  protected async settle(replied: Promise<Reply<O>>): Promise<void> {
    const cancelDeadline = this.#watchDeadline();
    try {
      this.deliver(await unlessAborted(replied, this.signal));
    } catch (error) {
      this.fail(error);
    } finally {
      cancelDeadline?.();
    }
  }

  protected abstract deliver(reply: Reply<O>): void;

  protected abstract fail(error: unknown): void;

  #watchDeadline(): CancelTimer | undefined {
    const { signal, deadlineAt } = this;
    if (deadlineAt === undefined || signal.aborted) return undefined;
    return this.#clock.after(Math.max(0, deadlineAt - this.#clock.now()), () =>
      this.#caller?.abort(new ConnectError("the operation timed out", Code.DeadlineExceeded)),
    );
  }
}

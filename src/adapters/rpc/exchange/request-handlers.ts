import type { Logger } from "../../../ports/logger.js";
import type { Exchange, ExchangeHandler } from "./exchange.js";
import type { FairQueue } from "./fair-queue.js";
import type { FastPath } from "./fast-path.js";
import { WorkInProgress } from "./work-in-progress.js";

/** What answers whatever comes in on a port. */
export interface RequestHandlers {
  readonly onExchange: ExchangeHandler;
  /** Asked first. */
  readonly fastPath?: FastPath | undefined;
}

/** The same as the connections of a listener have it. */
export interface ConnectionHandlers {
  readonly fastPath: FastPath | undefined;
  /** Serves an exchange in its connection's turn. */
  enqueue(connection: object, exchange: Exchange, onDone: () => void): void;
}

const BUSY = [
  ["content-type", "text/plain; charset=utf-8"],
  ["retry-after", "1"],
] as const;

/** Takes turns between the connections, and lets a failure of the handler cost the one request and not the process. */
export function inTurns({ onExchange, fastPath }: RequestHandlers, queue: FairQueue, logger: Logger): ConnectionHandlers {
  const work = new WorkInProgress();

  async function serve(exchange: Exchange): Promise<void> {
    try {
      await onExchange(exchange);
    } catch (error) {
      // A caller who hangs up while its request is read is no failure.
      if (exchange.isClosed) return;
      logger.error("unexpected error in a request handler", { method: exchange.method, error });
      if (exchange.hasResponded) exchange.abort();
      else exchange.send(500, [], "");
    }
  }
  return {
    fastPath,
    enqueue: (connection, exchange, onDone) =>
      queue.add(connection, () => {
        // Reset before its turn: it costs nothing.
        if (exchange.isClosed) {
          onDone();
          return false;
        }
        if (!work.begin(connection)) {
          exchange.send(503, BUSY, "very many calls are under way that take long: try again, or use fewer streams at a time\n");
          onDone();
          return true;
        }
        void serve(exchange).then(() => {
          work.end(connection);
          onDone();
        });
        return true;
      }),
  };
}

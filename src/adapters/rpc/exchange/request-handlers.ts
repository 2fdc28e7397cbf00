import type { Logger } from "../../../ports/logger.js";
import type { Exchange, ExchangeHandler } from "./exchange.js";
import type { FairQueue } from "./fair-queue.js";
import type { FastPath } from "./fast-path.js";

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

/** Takes turns between the connections, and lets a failure of the handler cost the one request and not the process. */
export function inTurns({ onExchange, fastPath }: RequestHandlers, queue: FairQueue, logger: Logger): ConnectionHandlers {
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
        if (exchange.isClosed) onDone();
        else void serve(exchange).then(onDone);
      }),
  };
}

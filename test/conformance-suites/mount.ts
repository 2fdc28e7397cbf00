import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import { Calls } from "../../src/adapters/rpc/call/calls.js";
import { MultiProtocolListener } from "../../src/adapters/rpc/listener/multi-protocol-listener.js";
import type { TlsFiles } from "../../src/adapters/rpc/listener/tls-material.js";
import { createGeneralPath } from "../../src/adapters/rpc/protocols/general-path.js";
import { methodAt, SERVED_METHODS } from "../../src/adapters/rpc/service/served-methods.js";
import type { Logger } from "../../src/ports/logger.js";

const OPTIONS = { bodyTimeoutMs: 30_000, maxItems: 1_000, maxJsonDepth: 32 };

/**
 * This project's listener over handlers that are not its own. Nothing else here knows how the port is built.
 *
 * @param maxMessageBytes a larger one is refused
 */
export function mount(
  handlers: ReadonlyMap<string, UniversalHandler>,
  maxMessageBytes: number,
  tls: TlsFiles | undefined,
  logger: Logger,
): MultiProtocolListener {
  const clock = new SystemClock();
  const onExchange = createGeneralPath(handlers, new Calls(SERVED_METHODS, { clock, logger }), {
    ...OPTIONS,
    clock,
    logger,
    maxMessageBytes,
    methodAt,
  });
  return new MultiProtocolListener({ onExchange, tls, limits: { maxMessageBytes }, logger });
}

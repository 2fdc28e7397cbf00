import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import { Calls } from "../../src/adapters/rpc/call/calls.js";
import { MultiProtocolListener } from "../../src/adapters/rpc/listener/multi-protocol-listener.js";
import type { TlsFiles } from "../../src/adapters/rpc/listener/tls-material.js";
import { createGeneralPath } from "../../src/adapters/rpc/protocols/general-path.js";
import { DEFAULT_MAX_ITEMS, DEFAULT_MAX_JSON_DEPTH, DEFAULT_MAX_MESSAGE_BYTES } from "../../src/adapters/rpc/rpc-handler.js";
import { UNKNOWN_METHOD } from "../../src/adapters/rpc/service/served-methods.js";
import type { Logger } from "../../src/ports/logger.js";

const BODY_TIMEOUT_MS = 30_000;

/** This project's listener over handlers that are not its own. Nothing else here knows how the port is built. */
export function mount(handlers: ReadonlyMap<string, UniversalHandler>, tls: TlsFiles | undefined, logger: Logger): MultiProtocolListener {
  const clock = new SystemClock();
  const method = { ...UNKNOWN_METHOD, index: 0 };
  const onExchange = createGeneralPath(handlers, new Calls([method], { clock, logger }), {
    clock,
    logger,
    bodyTimeoutMs: BODY_TIMEOUT_MS,
    maxMessageBytes: DEFAULT_MAX_MESSAGE_BYTES,
    maxItems: DEFAULT_MAX_ITEMS,
    maxJsonDepth: DEFAULT_MAX_JSON_DEPTH,
    methodAt: () => method,
  });
  return new MultiProtocolListener({ onExchange, tls, logger });
}

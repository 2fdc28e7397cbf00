import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import { createHttpHandler } from "../../src/adapters/rpc/http-handler.js";
import { createOnePortListener, type OnePortListener } from "../../src/adapters/rpc/listener/one-port-listener.js";
import type { TlsFiles } from "../../src/adapters/rpc/listener/tls-material.js";
import type { Logger } from "../../src/ports/logger.js";

const BODY_TIMEOUT_MS = 30_000;

/** This project's listener over handlers that are not its own. Nothing else here knows how the port is built. */
export function mount(handlers: ReadonlyMap<string, UniversalHandler>, tls: TlsFiles | undefined, logger: Logger): OnePortListener {
  const onRequest = createHttpHandler(handlers, { timeoutMs: BODY_TIMEOUT_MS, clock: new SystemClock() }, logger);
  return createOnePortListener({ onRequest, tls, logger });
}

import { createGrpcTransport } from "@connectrpc/connect-node";
import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import { MultiProtocolListener } from "../../src/adapters/rpc/listener/multi-protocol-listener.js";
import { relayHandler } from "../../src/adapters/rpc/shadow/relay-handler.js";
import { RecordingLogger } from "../../test/fakes/recording-logger.js";

/** @returns the port */
export async function startRelay(baseUrl: string): Promise<number> {
  const logger = new RecordingLogger();
  const onExchange = relayHandler({
    answering: createGrpcTransport({ baseUrl }),
    onRead: () => undefined,
    clock: new SystemClock(),
    logger,
  });
  return (await new MultiProtocolListener({ onExchange, logger }).listen(0, "127.0.0.1")).port;
}

/** The sidecar's own service, whole, but answered by Connect's adapter alone on plain servers of Node's. */
import { once } from "node:events";
import { createServer as createHttp1Server } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { SystemClock } from "../../dist/adapters/ops/system-clock.js";
import { WinstonLogger } from "../../dist/adapters/ops/winston-logger.js";
import { JSON_OPTIONS } from "../../dist/adapters/rpc/answers/answer-encoders.js";
import { Calls } from "../../dist/adapters/rpc/call/calls.js";
import { SidecarService } from "../../dist/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { connectService, serveByConnect } from "../../dist/adapters/rpc/protocols/rpc-router.js";
import { DEFAULT_MAX_ITEMS } from "../../dist/adapters/rpc/rpc-handler.js";
import { SERVED_METHODS } from "../../dist/adapters/rpc/service/served-methods.js";
import { loadConfig } from "../../dist/bootstrap/config/sidecar-config.js";
import { buildContainer } from "../../dist/bootstrap/sidecar/container.js";
import { openSource } from "../../dist/bootstrap/sidecar/foundations.js";
import { TOKENS } from "../../dist/bootstrap/sidecar/tokens.js";
import { newTelemetry } from "../../dist/ports/telemetry.js";
import { tellPorts } from "./answers.js";

const { config } = loadConfig(process.env);
const clock = new SystemClock();
const telemetry = newTelemetry();
const logger = new WinstonLogger({
  level: config.logLevel,
  messageKey: "msg",
  errorKey: "err",
  secrets: [],
  output: process.stderr,
  clock,
});
const source = await openSource(config, { clock, logger, telemetry });
const container = buildContainer({ config, logger, clock, telemetry, source });

source.start();
container.get(TOKENS.stream).start(container.get(TOKENS.followUpdates));
container.get(TOKENS.readiness).ready();
const useCases = {
  check: container.get(TOKENS.checkEntitlement),
  list: container.get(TOKENS.listEntitlements),
  reload: container.get(TOKENS.reloadEntitlements),
  reportUsage: container.get(TOKENS.reportUsage),
  reportEvents: container.get(TOKENS.reportEvents),
};
const serve = serveByConnect(new Calls(SERVED_METHODS, { clock, logger }));
const service = connectService(useCases, { count: () => undefined, maxItems: DEFAULT_MAX_ITEMS }, serve);
const byConnect = connectNodeAdapter({
  routes: (router) => router.service(SidecarService, service),
  jsonOptions: JSON_OPTIONS,
});
const http2 = createHttp2Server(byConnect).listen(0, "127.0.0.1");
const http1 = createHttp1Server(byConnect).listen(0, "127.0.0.1");
await Promise.all([once(http2, "listening"), once(http1, "listening")]);
tellPorts({ grpcPort: http2.address().port, jsonPort: http1.address().port });

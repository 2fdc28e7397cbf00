/** The sidecar's own service, whole, but answered by Connect's adapter alone on plain servers of Node's. */
import { createServer as createHttp1Server } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { once } from "node:events";
import { SystemClock } from "../../dist/adapters/ops/system-clock.js";
import { WinstonLogger } from "../../dist/adapters/ops/winston-logger.js";
import { loadConfig } from "../../dist/bootstrap/config/load-config.js";
import { buildContainer } from "../../dist/bootstrap/container.js";
import { openSource } from "../../dist/bootstrap/source/open-source.js";
import { TOKENS } from "../../dist/bootstrap/tokens.js";
import { newTelemetry } from "../../dist/ports/telemetry.js";
import { tellPorts } from "./answers.js";

const { config } = loadConfig(process.env);
const clock = new SystemClock();
const telemetry = newTelemetry();
const logger = new WinstonLogger({ level: config.logLevel, messageKey: "msg", errorKey: "err", secrets: [], output: process.stderr, clock });
const source = await openSource(config, { clock, logger, telemetry });
const container = buildContainer({ config, logger, clock, telemetry, source });

source.start();
container.get(TOKENS.stream).start(container.get(TOKENS.followUpdates));
container.get(TOKENS.readiness).ready();
const { byConnect } = container.get(TOKENS.requestHandler);
const http2 = createHttp2Server(byConnect).listen(0, "127.0.0.1");
const http1 = createHttp1Server(byConnect).listen(0, "127.0.0.1");
await Promise.all([once(http2, "listening"), once(http1, "listening")]);
tellPorts({ grpcPort: http2.address().port, jsonPort: http1.address().port });

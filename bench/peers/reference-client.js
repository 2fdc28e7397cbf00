/**
 * The published client in its Redis mode, asked in its own process: what an application has that embeds it. Given
 * {measuredMs, inFlight, customers}, it answers how many checks a second it gave.
 */
import { createRequire } from "node:module";
import { tellPorts } from "./answers.js";

const { Stigg } = createRequire(import.meta.url)("@stigg/node-server-sdk");

const SCATTER = 7_919;
const FEATURES = 8;

const { upstreamUrl, redisPort, environmentPrefix } = JSON.parse(process.argv[2]);
const silent = { log: ignore, error: ignore, debug: ignore };
const client = Stigg.initialize({
  apiKey: "server-key",
  baseUri: upstreamUrl,
  baseEdgeUri: upstreamUrl,
  wsUrl: upstreamUrl.replace("http", "ws"),
  realtimeUpdatesEnabled: false,
  redis: { host: "127.0.0.1", port: redisPort, environmentPrefix },
  logConfiguration: { logLevel: "ERROR", logger: silent },
});
await client.waitForInitialization();

process.on("message", (order) => {
  measure(order).then(
    (result) => process.send(result),
    (error) => process.send({ failure: error.message }),
  );
});
tellPorts({});

async function measure({ measuredMs, inFlight, customers }) {
  const begun = performance.now();
  let answers = 0;
  let asked = 0;
  const askOn = async () => {
    while (performance.now() - begun < measuredMs) {
      const number = asked++;
      const customerId = `customer-${String((number * SCATTER) % customers).padStart(7, "0")}`;
      const { hasAccess, isFallback } = await client.getBooleanEntitlement({
        customerId,
        featureId: `feature-0${number % FEATURES}`,
      });
      if (!hasAccess || isFallback) throw new Error(`${customerId} was denied, or answered a fallback`);
      answers++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, askOn));
  return { perSecond: (answers * 1_000) / (performance.now() - begun) };
}

function ignore() {
  // What it logs by itself is not measured.
}

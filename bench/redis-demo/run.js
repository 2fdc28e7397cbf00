/** `npm run demo:redis`: a catalog, a queue, the persistent-cache service, Redis and two sidecars on this machine, and how soon a change is known. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Cast } from "./cast.js";
import { percentilesOf } from "./percentiles.js";
import { questionTo, untilBothAnswer } from "./question.js";

const DIST = fileURLToPath(new URL("../../dist/bootstrap/", import.meta.url));
const QUEUE_SERVER = fileURLToPath(new URL("../persistent-cache/queue-process.js", import.meta.url));
const PLAN_CHANGES = 20;
const REPORTS = 300;
const CUSTOMER = "customer-1";
const FEATURE = "requests";
const AWS = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "any", AWS_SECRET_ACCESS_KEY: "any" };

const missing = whatIsMissing();
if (missing === undefined) await demo();
else {
  process.stderr.write(`${missing}\n`);
  process.exitCode = 1;
}

async function demo() {
  const cast = new Cast();
  const directory = mkdtempSync(join(tmpdir(), "demo-redis-"));
  const catalogFile = join(directory, "catalog.json");
  try {
    writeCatalog(catalogFile, 10);
    const [line] = await cast.start("the queue server", [QUEUE_SERVER], {}, /\{.*\}/);
    const { endpoint, queueUrl } = JSON.parse(line);
    const aws = { ...AWS, AWS_ENDPOINT_URL_SQS: endpoint };
    const redisPort = await cast.startRedis();
    const [, apiUrl] = await cast.start(
      "the emulator of the vendor's API",
      [join(DIST, "cli.js"), "emulate", "--catalog", catalogFile, "--port", "0", "--queue-url", queueUrl],
      aws,
      / API_URL=(\S+)/,
    );
    const shared = { SERVER_API_KEY: "any", EDGE_API_URL: apiUrl, REDIS_PORT: String(redisPort) };
    await cast.start(
      "the persistent-cache service",
      [join(DIST, "persistent-cache.js")],
      { ...aws, ...shared, QUEUE_URL: queueUrl, ENVIRONMENT_PREFIX: "demo", BATCH_SIZE: "10", PORT: "0" },
      /takes writes/,
    );
    const sidecars = await Promise.all(
      ["first", "second"].map((name) => startSidecar(cast, name, { ...shared, API_URL: apiUrl })),
    );
    await show(sidecars, catalogFile, apiUrl);
  } finally {
    await cast.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function startSidecar(cast, name, environment) {
  const settings = {
    ...environment,
    REDIS_ENVIRONMENT_PREFIX: "demo",
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    LISTEN_HOST: "127.0.0.1",
    START_MESSAGE: "json",
  };
  const [, port] = await cast.start(
    `the ${name} sidecar`,
    [join(DIST, "cli.js"), "serve"],
    settings,
    /"grpcPort":(\d+)/,
  );
  return questionTo(`http://127.0.0.1:${port}`, CUSTOMER, FEATURE);
}

async function show(sidecars, catalogFile, apiUrl) {
  say("Both sidecars", (await Promise.all(sidecars.map((ask) => ask()))).map(describe));
  writeCatalog(catalogFile, 25);
  await untilBothAnswer(sidecars, ({ usageLimit }) => usageLimit === 25);
  say(
    "The plan's limit is changed in the catalog to 25. Both sidecars",
    (await Promise.all(sidecars.map((ask) => ask()))).map(describe),
  );

  const ofPlans = await measure(PLAN_CHANGES, sidecars, "usageLimit", (index) => {
    writeCatalog(catalogFile, 100 + index);
    return 100 + index;
  });
  const { currentUsage } = await sidecars[0]();
  const ofReports = await measure(REPORTS, sidecars, "currentUsage", async (index) => {
    await reportUsage(apiUrl);
    return currentUsage + index + 1;
  });
  process.stdout.write("\nUntil both sidecars answer anew, milliseconds:\n");
  process.stdout.write(
    `  ${PLAN_CHANGES} changes of the catalog's file (watched, so its watching counts)   ${percentilesOf(ofPlans)}\n`,
  );
  process.stdout.write(
    `  ${REPORTS} usages, from when upstream had counted them                     ${percentilesOf(ofReports)}\n`,
  );
}

/** @param change makes one, and tells what both sidecars have to answer from then on */
async function measure(changes, sidecars, field, change) {
  const delays = [];
  for (let index = 0; index < changes; index++) {
    const expected = await change(index);
    const begin = performance.now();
    await untilBothAnswer(sidecars, (answer) => answer[field] === expected);
    delays.push(performance.now() - begin);
  }
  return delays;
}

async function reportUsage(apiUrl) {
  const query = "mutation ReportUsage($input: ReportUsageInput!) { reportUsage(input: $input) { id } }";
  const input = { customerId: CUSTOMER, featureId: FEATURE, value: 1 };
  const response = await fetch(`${apiUrl}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": "any" },
    body: JSON.stringify({ operationName: "ReportUsage", query, variables: { input } }),
  });
  const { errors } = await response.json();
  if (errors !== undefined) throw new Error(`usage could not be reported: ${JSON.stringify(errors)}`);
}

/** All at once, so that nobody ever reads half of it. */
function writeCatalog(file, limit) {
  const catalog = {
    features: [{ id: FEATURE, kind: "metered", meterType: "Fluctuating", units: "request" }],
    plans: [{ id: "plan", entitlements: { [FEATURE]: { limit, softLimit: true } } }],
    customers: [{ id: CUSTOMER, plan: "plan", usage: { [FEATURE]: 2 } }],
  };
  writeFileSync(`${file}.next`, JSON.stringify(catalog));
  renameSync(`${file}.next`, file);
}

function describe({ currentUsage, usageLimit }) {
  return `${currentUsage} of ${usageLimit} used`;
}

function say(what, answers) {
  process.stdout.write(`${what} answer: ${answers.join(" · ")}\n`);
}

function whatIsMissing() {
  if (spawnSync("redis-server", ["--version"]).status !== 0)
    return "This demonstration needs redis-server on the PATH: apt-get install redis-server, or brew install redis.";
  if (!existsSync(join(DIST, "persistent-cache.js"))) return 'The package is not built: run "npm run build" first.';
  return undefined;
}

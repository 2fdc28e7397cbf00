import { setTimeout as elapse } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { freePort } from "../../test/builders/redis-servers.js";
import { benchMessage } from "./bench-messages.js";
import { CORES, PinnedProcess } from "./pinned-process.js";

const DEFAULT_MESSAGES = 20_000;
const CUSTOMERS = 1_000;
const SENDERS = 8;
const BATCH_SIZES = [10, 1] as const;
const AWS = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "any", AWS_SECRET_ACCESS_KEY: "any" } as const;
const SERVICE = fileURLToPath(new URL("../../dist/bootstrap/persistent-cache.js", import.meta.url));
const IDLE_CONSUMER = fileURLToPath(new URL("idle-consumer.js", import.meta.url));
const QUEUE = fileURLToPath(new URL("queue-process.js", import.meta.url));

/** What the command's first line says. */
const AS_INSTALLED = ["--max-semi-space-size=4", "--max-old-space-size=192"];

interface Row {
  readonly consumer: string;
  readonly batchSize: number;
  readonly perSecond: number;
  readonly perCpuSecond: number;
  readonly cpuPercent: number;
  readonly peakMegabytes: number;
}

/** Measures the service and the consumer that does nothing, one after the other, each on a core of its own. */
export async function measure([messages = String(DEFAULT_MESSAGES)]: readonly string[]): Promise<number> {
  const redisPort = await freePort();
  const redis = new PinnedProcess(CORES.others, "redis-server", [
    "--port",
    String(redisPort),
    "--save",
    "",
    "--appendonly",
    "no",
  ]);
  await redis.printed(/Ready to accept connections/);
  const rows: Row[] = [];
  try {
    for (const batchSize of BATCH_SIZES) {
      rows.push(await run("persistent-cache-service", SERVICE, batchSize, Number(messages), redisPort));
      rows.push(await run("a consumer that does nothing", IDLE_CONSUMER, batchSize, Number(messages), redisPort));
    }
  } finally {
    await redis.end();
  }
  process.stdout.write(`${table(rows, Number(messages))}\n`);
  return 0;
}

async function run(
  consumer: string,
  script: string,
  batchSize: number,
  messages: number,
  redisPort: number,
): Promise<Row> {
  const queue = new PinnedProcess(CORES.others, process.execPath, [QUEUE]);
  try {
    const { endpoint, queueUrl } = JSON.parse(await queue.printed(/^\{/)) as {
      readonly endpoint: string;
      readonly queueUrl: string;
    };
    await fill(endpoint, queueUrl, messages);
    const program = new PinnedProcess(CORES.measured, process.execPath, [...AS_INSTALLED, script], {
      ...AWS,
      AWS_ENDPOINT_URL_SQS: endpoint,
      QUEUE_URL: queueUrl,
      BATCH_SIZE: String(batchSize),
      SERVER_API_KEY: "any",
      REDIS_PORT: String(redisPort),
      // Each run writes to keys of its own: what an earlier one wrote is newer.
      ENVIRONMENT_PREFIX: `batch-${batchSize}`,
      CACHE_UPDATE_POLICY: "UPSERT",
      PORT: "0",
    });
    try {
      return { consumer, batchSize, ...(await timed(program, endpoint, messages)) };
    } finally {
      await program.end();
    }
  } finally {
    await queue.end();
  }
}

/** From the tenth of the messages on, when the program has started and warmed up, until the queue is empty. */
async function timed(
  program: PinnedProcess,
  endpoint: string,
  messages: number,
): Promise<Omit<Row, "consumer" | "batchSize">> {
  const first = await whenAtMost(endpoint, messages * 0.9);
  const begin = performance.now();
  const before = program.use();
  await whenAtMost(endpoint, 0);
  const seconds = (performance.now() - begin) / 1_000;
  const after = program.use();
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  return {
    perSecond: first / seconds,
    perCpuSecond: first / cpuSeconds,
    cpuPercent: (100 * cpuSeconds) / seconds,
    peakMegabytes: after.peakMegabytes,
  };
}

/** @returns how many there are by then */
async function whenAtMost(endpoint: string, limit: number): Promise<number> {
  for (;;) {
    const [queue] = (await (await fetch(`${endpoint}/_fauxqs/queues`)).json()) as [
      { approximateMessageCount: number; approximateInflightCount: number },
    ];
    const count = queue.approximateMessageCount + queue.approximateInflightCount;
    if (count <= limit) return count;
    await elapse(20);
  }
}

async function fill(endpoint: string, queueUrl: string, messages: number): Promise<void> {
  const client = new SQSClient({
    endpoint,
    region: AWS.AWS_REGION,
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
  });
  let next = 0;
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      while (next < messages) {
        const from = next;
        next += 10;
        const Entries = Array.from({ length: Math.min(10, messages - from) }, (_, index) => ({
          Id: String(index),
          MessageBody: benchMessage(from + index, CUSTOMERS),
        }));
        await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      }
    }),
  );
  client.destroy();
}

function table(rows: readonly Row[], messages: number): string {
  const lines = rows.map((row, index) => {
    const peer = rows[index + 1];
    const ratio = index % 2 === 0 && peer !== undefined ? (row.perSecond / peer.perSecond).toFixed(2) : "";
    const cells = [
      row.consumer,
      row.batchSize,
      row.perSecond.toFixed(0),
      ratio,
      row.perCpuSecond.toFixed(0),
      row.cpuPercent.toFixed(0),
      row.peakMegabytes.toFixed(0),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    `${messages} messages, ${PinnedProcess.isPinned ? "the consumer on one core, the queue server and Redis on another" : "not pinned to cores"}; Node ${process.version}`,
    "",
    "| consumer | BATCH_SIZE | messages a second | of the limit | a second of CPU | CPU % | peak RSS, MB |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}

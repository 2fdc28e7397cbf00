import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { AnnounceChanges, SqsSender } from "../../../src/adapters/emulator/announce-changes.js";
import { SystemClock } from "../../../src/adapters/ops/system-clock.js";
import { AWS_ENVIRONMENT, type QueueServer, startQueueServer, type TestQueue } from "../../builders/queue-server.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";
import { eventually } from "../../support/expectations.js";
import { runToEnd, ServiceProcess } from "../service/service-process.js";

interface Message {
  readonly type: string;
  readonly data: { readonly customerId: string };
}

const messagesIn = ({ bodies }: TestQueue) => bodies.map((body) => JSON.parse(body) as Message);

describe("the emulator with a queue", () => {
  let server: QueueServer;

  beforeAll(async () => {
    server = await startQueueServer();
    for (const [name, value] of Object.entries(server.environment)) process.env[name] = value;
  });
  afterAll(() => server.stop());

  const announcer = (queueUrl: string, logger = new RecordingLogger()) =>
    new AnnounceChanges(
      new SqsSender({ region: AWS_ENVIRONMENT.AWS_REGION, queueUrl, hasOwnEndpoint: true }),
      new SystemClock(),
      logger,
    );

  const announce = (to: AnnounceChanges, count: number) => {
    for (let index = 0; index < count; index++)
      to.announce({ type: "subject-invalidated", subject: { customerId: `customer-${index}` } });
  };

  it("tells it of every change, in order, and of the last ones before it ends", async () => {
    const queue = server.createQueue();
    const announcements = announcer(queue.url);
    announce(announcements, 35);
    await announcements.stop();
    expect(messagesIn(queue).map(({ data }) => data.customerId)).toEqual(
      Array.from({ length: 35 }, (_, index) => `customer-${index}`),
    );
  });

  it("tells a queue that was not there of what it missed", async () => {
    const queue = server.createQueue();
    const logger = new RecordingLogger();
    const announcements = announcer(`${queue.url}-later`, logger);
    announce(announcements, 3);
    await logger.until("changes cannot be sent to the queue");
    server.createAt(`${queue.url}-later`);
    await logger.until("the queue takes changes again");
    await announcements.stop();
  });

  it("sends what changes in its catalog", async () => {
    const queue = server.createQueue();
    const directory = mkdtempSync(join(tmpdir(), "emulate-queue-"));
    const file = join(directory, "catalog.json");
    const write = (limit: number) => {
      const catalog = {
        features: [{ id: "seats", kind: "metered", meterType: "Fluctuating" }],
        plans: [{ id: "pro", entitlements: { seats: limit } }],
        customers: [{ id: "acme", plan: "pro" }],
      };
      writeFileSync(`${file}.next`, JSON.stringify(catalog));
      renameSync(`${file}.next`, file);
    };
    write(10);
    const emulator = new ServiceProcess(
      ["emulate", "--catalog", file, "--port", "0", "--queue-url", queue.url],
      server.environment,
    );
    await emulator.printed(/every change is sent to/);
    write(20);
    await eventually(() => messagesIn(queue), { timeout: 20_000 }).toMatchObject([
      {
        version: 1,
        type: "entitlements.updated",
        data: { customerId: "acme", entitlements: [{ usageLimit: 20, feature: { refId: "seats" } }] },
      },
    ]);
    emulator.child.kill("SIGTERM");
    expect(await emulator.ended).toMatchObject({ code: 0 });
    rmSync(directory, { recursive: true });
  });

  it.each([
    ["no URL", "changes", /--queue-url must be the https or http URL of an SQS queue, not "changes"/],
    ["a URL that does not tell the region", "http://127.0.0.1:1/changes", /set AWS_REGION/],
  ])("refuses %s, and ends with 2", async (_, queueUrl, message) => {
    const { code, stderr } = await runToEnd([
      "emulate",
      "--catalog",
      "examples/catalog.yaml",
      "--port",
      "0",
      "--queue-url",
      queueUrl,
    ]);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(message) as unknown as string });
  });
});

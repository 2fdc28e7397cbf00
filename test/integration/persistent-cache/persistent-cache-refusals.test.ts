import { createServer, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { DeleteQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { customerInvalidated, entitlementsUpdated, packagePublished, T0 } from "../../builders/change-messages.js";
import { metered } from "../../builders/states.js";
import { TcpProxy } from "../../builders/tcp-proxy.js";
import { eventually } from "../../support/expectations.js";
import { PersistentCacheWorld } from "./persistent-cache-under-test.js";

let world: PersistentCacheWorld;
let edge: Server;
/** What becomes of requests for ids that begin so. */
let refusal: number | "hang" = 431;

beforeAll(async () => {
  world = await PersistentCacheWorld.start();
  edge = createServer((request, response) => {
    if (request.url?.includes("/refused") === true) {
      request.resume();
      if (refusal !== "hang") response.writeHead(refusal).end();
      return;
    }
    const { hostname, port } = new URL(world.edge.url);
    const passed = httpRequest({ host: hostname, port, path: request.url, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.destroy());
    request.pipe(passed);
  });
  await new Promise<void>((resolve) => edge.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  refusal = 431;
});
afterAll(async () => {
  edge.closeAllConnections();
  await new Promise((resolve) => edge.close(resolve));
  await world.stop();
});

const edgeUrl = () => `http://127.0.0.1:${(edge.address() as AddressInfo).port}`;

describe("subjects that upstream does not answer for", () => {
  it.each<[how: string, refusal: number | "hang"]>([
    ["refuses (431)", 431],
    ["refuses (414)", 414],
    ["fails for alone (500)", 500],
    ["never answers for", "hang"],
  ])(
    "that Edge %s hold up no publication, however many they are",
    async (_, how) => {
      refusal = how;
      const queue = world.queue({ maxReceives: 10 });
      const service = await world.service(
        queue,
        { CACHE_UPDATE_POLICY: "UPSERT", EDGE_API_URL: edgeUrl(), BATCH_SIZE: "10" },
        { maxAttempts: 2 },
      );
      const others = ["one", "two", "three"];
      await queue.send(
        ...[...others, ...Array.from({ length: 20 }, (__, i) => `refused-${i}`)].map((customerId) =>
          entitlementsUpdated({ customerId, updatedAt: T0, usageLimit: 1 }),
        ),
      );
      await queue.drained();
      for (let publication = 1; publication <= 2; publication++) {
        for (const customerId of others) {
          world.upstream.set(
            { customerId },
            { features: [metered({ usageLimit: publication * 10 })], updatedAt: T0 + publication },
          );
        }
        await queue.send(packagePublished("ALL_CUSTOMERS"));
        for (const customerId of others)
          await eventually(() => world.limitOf(customerId), { timeout: 25_000 }).toBe(publication * 10);
      }
      expect(await service.readiness()).toMatchObject({ status: 200 });
      await service.stop();
      await world.redis.admin.flushall();
    },
    60_000,
  );

  it("have their own messages end in the dead-letter queue, are counted and logged, and nobody else's do", async () => {
    const queue = world.queue({ visibilitySeconds: 1, maxReceives: 2 });
    const service = await world.service(queue, { CACHE_UPDATE_POLICY: "UPSERT", EDGE_API_URL: edgeUrl() });
    world.upstream.set({ customerId: "fine" }, { features: [metered({ usageLimit: 9 })], updatedAt: T0 });
    const message = customerInvalidated("refused-1");
    await queue.send(message, customerInvalidated("fine"));
    await eventually(() => queue.dead, { timeout: 20_000 }).toEqual([message]);
    expect(await world.limitOf("fine")).toBe(9);
    expect(await service.metric("persistent_cache_refetch_failures_total")).toBe(2);
    expect(service.logger.count("a message could not be carried out")).toBe(2);
    await service.stop();
  }, 60_000);
});

describe("readiness", () => {
  it("is down once the queue is deleted, however idle the service was", async () => {
    const queue = world.queue();
    const service = await world.service(queue, { EDGE_API_URL: edgeUrl() });
    await eventually(() => service.readiness(), { timeout: 10_000 }).toMatchObject({ status: 200 });
    const client = new SQSClient({
      region: "us-east-1",
      endpoint: world.queues.endpoint,
      credentials: { accessKeyId: "any", secretAccessKey: "any" },
    });
    await client.send(new DeleteQueueCommand({ QueueUrl: queue.url }));
    client.destroy();
    await eventually(() => service.readiness(), { timeout: 10_000 }).toMatchObject({
      status: 503,
      body: { status: "DOWN", consumers: 0 },
    });
    world.queues.createAt(queue.url);
    await eventually(() => service.readiness(), { timeout: 10_000 }).toMatchObject({
      status: 200,
      body: { consumers: 10 },
    });
    await service.stop();
  }, 30_000);

  it("is down within 10 s once the connections to the queue are silent, and up when they are not", async () => {
    const proxy = await TcpProxy.to({ port: Number(new URL(world.queues.endpoint).port) });
    const endpoint = process.env["AWS_ENDPOINT_URL_SQS"];
    process.env["AWS_ENDPOINT_URL_SQS"] = `http://127.0.0.1:${proxy.port}`;
    try {
      const service = await world.service(world.queue(), { EDGE_API_URL: edgeUrl() }, { pollSeconds: 5 });
      await eventually(() => service.readiness(), { timeout: 10_000 }).toMatchObject({ status: 200 });
      proxy.hang();
      await eventually(() => service.readiness(), { timeout: 10_000 }).toMatchObject({
        status: 503,
        body: { consumers: 0 },
      });
      proxy.heal();
      await eventually(() => service.readiness(), { timeout: 15_000 }).toMatchObject({ status: 200 });
      await service.stop();
    } finally {
      process.env["AWS_ENDPOINT_URL_SQS"] = endpoint;
      await proxy.stop();
    }
  }, 40_000);
});

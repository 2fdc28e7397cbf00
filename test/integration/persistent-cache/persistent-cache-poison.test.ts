import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { entitlementsUpdated, message, T0 } from "../../builders/change-messages.js";
import type { TestQueue } from "../../builders/queue-server.js";
import { untilPasses } from "../../support/expectations.js";
import { PersistentCacheWorld, type RunningService } from "./persistent-cache-under-test.js";

const POISON = [
  ["is not JSON", "{"],
  ["has no type", JSON.stringify({ id: "1", timestamp: T0, data: { customerId: "acme" } })],
  ["is of an unknown type", message("acme.celebrated", { customer: "acme" })],
  ["is of another version", message("customer.invalidated", { customerId: "acme" }, { version: 2 })],
  ["has no timestamp", message("customer.invalidated", { customerId: "acme" }, { timestamp: undefined })],
  ["has no data", message("usage.updated", undefined)],
  ["names no customer", message("customer.invalidated", { customerId: "", resourceId: "acme" })],
  [
    "has data that name nobody",
    message("usage.updated", { customerId: ["acme"], entitlementReference: { id: "seats", type: "acme" } }),
  ],
] as const;

const MAX_RECEIVES = 2;

describe("a message that can never be carried out", () => {
  let world: PersistentCacheWorld;
  let queue: TestQueue;
  let service: RunningService;
  let ids: readonly string[];

  beforeAll(async () => {
    world = await PersistentCacheWorld.start();
    queue = world.queue({ visibilitySeconds: 1, maxReceives: MAX_RECEIVES });
    await world.redis.admin.lpush("test:c_spoilt#timestamp", "a list");
    service = await world.service(queue, { CACHE_UPDATE_POLICY: "UPSERT", BATCH_SIZE: "10" });
    ids = await queue.send(
      ...POISON.map(([, body]) => body),
      entitlementsUpdated({ customerId: "spoilt" }),
      entitlementsUpdated({ customerId: "fine", usageLimit: 31 }),
    );
    await untilPasses(() => expect(queue.dead.length).toBe(POISON.length + 1), { timeout: 30_000 });
  });
  afterAll(() => world.stop());

  it.each(POISON)(
    "because it %s goes to the dead-letter queue, and is named in the log without its content",
    (_, body) => {
      const id = ids[POISON.findIndex(([, poison]) => poison === body)];
      const received = service.logger.lines.filter(
        ({ message: text, fields }) => text.includes("cannot be understood") && fields?.["messageId"] === id,
      );
      expect(queue.dead).toContain(body);
      expect(received.length).toBe(MAX_RECEIVES);
      expect(JSON.stringify(received)).not.toContain("acme");
    },
  );

  it("for what another program left at its key goes there too, and keeps no other from being written", async () => {
    expect(await world.limitOf("fine")).toBe(31);
    expect(service.logger.count("a message could not be carried out")).toBe(MAX_RECEIVES);
    expect(await service.readiness()).toEqual({
      status: 200,
      body: { status: "UP", consumers: 10, redis: "CONNECTED" },
    });
  });

  it("is counted each time it comes, and never as processed", async () => {
    expect(await service.metric("persistent_cache_messages_rejected_total")).toBe(POISON.length * MAX_RECEIVES);
    expect(await service.metric("persistent_cache_messages_processed_total")).toBe(1);
  });
});

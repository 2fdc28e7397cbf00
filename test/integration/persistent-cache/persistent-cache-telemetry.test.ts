import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { customerInvalidated, entitlementsUpdated, message, T0 } from "../../builders/change-messages.js";
import { OtlpReceiver } from "../../builders/otlp-receiver.js";
import { eventually } from "../../support/expectations.js";
import { SentryServer } from "../service/sentry-server.js";
import { PERSISTENT_CACHE, ServiceProcess } from "../service/service-process.js";
import { PersistentCacheWorld } from "./persistent-cache-under-test.js";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENDER = "00f067aa0ba902b7";
const [CLIENT, CONSUMER] = [3, 5];

describe("the persistent-cache service", () => {
  let world: PersistentCacheWorld;
  let folder: string;
  beforeAll(async () => {
    [world, folder] = await Promise.all([PersistentCacheWorld.start(), mkdtemp(join(tmpdir(), "telemetry-"))]);
  });
  afterAll(async () => {
    await world.stop();
    await rm(folder, { recursive: true });
  });

  const start = (environment: Readonly<Record<string, string>>) =>
    new ServiceProcess([], environment, undefined, PERSISTENT_CACHE);

  it("traces each message from its sender's context, and what Edge is asked for it", async () => {
    const receiver = await OtlpReceiver.start();
    const queue = world.queue();
    const traceparent = `00-${TRACE}-${SENDER}-01`;
    await queue.sendWith({ traceparent }, customerInvalidated("acme"));
    await queue.sendWith({ traceparent }, entitlementsUpdated({ customerId: "other", updatedAt: T0, usageLimit: 5 }));
    const service = start(
      world.environment(queue, {
        CACHE_UPDATE_POLICY: "UPSERT",
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_BSP_SCHEDULE_DELAY: "20",
      }),
    );
    await eventually(() => receiver.named("process subject-invalidated").length, { timeout: 20_000 }).toBe(1);
    await eventually(() => receiver.named("process entitlements-updated").length, { timeout: 20_000 }).toBe(1);
    const [invalidated] = receiver.named("process subject-invalidated");
    expect(invalidated).toMatchObject({ kind: CONSUMER, traceId: TRACE, parentSpanId: SENDER });
    expect(receiver.named("Edge entitlements-state")).toMatchObject([
      { kind: CLIENT, traceId: TRACE, parentSpanId: invalidated?.spanId },
    ]);
    const [updated] = receiver.named("process entitlements-updated");
    expect(updated?.attributes).toMatchObject({ "messaging.system": "aws_sqs" });
    expect(receiver.named("write state")).toMatchObject([{ traceId: TRACE, parentSpanId: updated?.spanId }]);
    expect(world.edge.stats.requests.at(-1)?.headers["traceparent"]).toContain(TRACE);
    service.child.kill("SIGTERM");
    expect((await service.ended).code).toBe(0);
    await receiver.stop();
  });

  it("reports errors to another DSN once its file says so", async () => {
    const [first, second] = await Promise.all([SentryServer.start(), SentryServer.start()]);
    const [dsn, queue] = [join(folder, "dsn"), world.queue()];
    await writeFile(dsn, `${first.dsn}\n`);
    const service = start(world.environment(queue, { SENTRY_DSN_FILE: dsn }));
    await service.printed(/consumes changes/);
    await queue.send(message("acme.celebrated", { customer: "acme" }));
    await eventually(() => first.events.length, { timeout: 20_000 }).toBe(1);
    await writeFile(dsn, `${second.dsn}\n`);
    service.child.kill("SIGHUP");
    await service.printed(/the DSN was replaced/);
    // Of another kind than the first: the same again would be folded.
    await queue.send("not JSON");
    await eventually(() => second.events.length, { timeout: 20_000 }).toBe(1);
    expect(first.events).toHaveLength(1);
    service.child.kill("SIGTERM");
    await service.ended;
    await Promise.all([first.stop(), second.stop()]);
  });
});

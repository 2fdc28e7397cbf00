import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { entitlementsUpdated, message, T0 } from "../../builders/change-messages.js";
import type { TestQueue } from "../../builders/queue-server.js";
import { eventually } from "../../support/expectations.js";
import { SentryServer } from "../service/sentry-server.js";
import { type Ended, PERSISTENT_CACHE, ServiceProcess } from "../service/service-process.js";
import { PersistentCacheWorld } from "./persistent-cache-under-test.js";

const CUSTOMERS = 100;

function start(environment: Readonly<Record<string, string>>, args: readonly string[] = []): ServiceProcess {
  return new ServiceProcess(args, environment, undefined, PERSISTENT_CACHE);
}

describe("the persistent-cache service as a process", () => {
  let world: PersistentCacheWorld;

  beforeAll(async () => {
    world = await PersistentCacheWorld.start();
  });
  afterAll(() => world.stop());

  const UPSERT = { CACHE_UPDATE_POLICY: "UPSERT", BATCH_SIZE: "10" };

  /** So many changes, of which each customer's last one has the highest limit. */
  const send = (queue: TestQueue, messages: number) =>
    queue.send(
      ...Array.from({ length: messages }, (_, index) =>
        entitlementsUpdated({ customerId: `customer-${index % CUSTOMERS}`, updatedAt: T0 + index, usageLimit: index }),
      ),
    );

  const limits = () =>
    Promise.all(Array.from({ length: CUSTOMERS }, (_, customer) => world.limitOf(`customer-${customer}`)));

  const lastOf = (messages: number) =>
    Array.from({ length: CUSTOMERS }, (_, customer) => messages - CUSTOMERS + customer);

  it("loses nothing when it is killed in the middle of a batch", async () => {
    await world.redis.admin.flushall();
    const queue = world.queue({ visibilitySeconds: 2 });
    await send(queue, 1_000);
    const killed = start(world.environment(queue, UPSERT));
    await eventually(() => queue.inHand, { interval: 1, timeout: 20_000 }).toBeGreaterThan(0);
    killed.child.kill("SIGKILL");
    await killed.ended;
    expect(queue.length).toBeGreaterThan(0);
    const next = start(world.environment(queue, UPSERT));
    await queue.drained();
    expect(await limits()).toEqual(lastOf(1_000));
    expect(queue.dead).toEqual([]);
    next.child.kill("SIGKILL");
  });

  it("finishes what is in hand on SIGTERM under load, gives nothing up, and exits 0", async () => {
    await world.redis.admin.flushall();
    const queue = world.queue();
    await send(queue, 2_000);
    const first = start(world.environment(queue, UPSERT));
    await eventually(() => queue.length, { interval: 1, timeout: 20_000 }).toBeLessThan(2_000);
    first.child.kill("SIGTERM");
    expect(await first.ended).toMatchObject({ code: 0, signal: null });
    expect(queue.length).toBeGreaterThan(0);
    expect(queue.inHand).toBe(0);
    const second = start(world.environment(queue, UPSERT));
    await queue.drained();
    expect(await limits()).toEqual(lastOf(2_000));
    second.child.kill("SIGKILL");
  });

  it("shares a queue with others of its kind", async () => {
    await world.redis.admin.flushall();
    const queue = world.queue();
    const both = [start(world.environment(queue, UPSERT)), start(world.environment(queue, UPSERT))];
    const ports = await Promise.all(both.map(async (process) => Number((await process.printed(/"port":(\d+)/))[1])));
    const processed = () =>
      Promise.all(
        ports.map(async (port) => {
          const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
          return Number(/^persistent_cache_messages_processed_total (\d+)$/m.exec(metrics)?.[1]);
        }),
      );
    await send(queue, 1_000);
    await queue.drained();
    expect(await limits()).toEqual(lastOf(1_000));
    await eventually(async () => (await processed()).reduce((sum, count) => sum + count)).toBe(1_000);
    expect(Math.min(...(await processed()))).toBeGreaterThan(0);
    for (const process of both) process.child.kill("SIGTERM");
    expect(await Promise.all(both.map(({ ended }) => ended))).toMatchObject([{ code: 0 }, { code: 0 }]);
  });

  describe("with SENTRY_DSN", () => {
    const poison = message("acme.celebrated", { customer: "acme" });
    let sentry: SentryServer;

    beforeAll(async () => {
      sentry = await SentryServer.start();
    });
    afterAll(() => sentry.stop());

    /** Until the service has logged a message that it cannot understand. */
    const startOnPoison = async (settings: Readonly<Record<string, string>>) => {
      const queue = world.queue();
      const [messageId] = await queue.send(poison);
      const service = start(world.environment(queue, { ...UPSERT, SENTRY_DSN: sentry.dsn, ...settings }));
      await service.printed(/cannot be understood/);
      return { service, messageId };
    };

    it("and DISABLE_SENTRY reports nothing", async () => {
      const { service } = await startOnPoison({ DISABLE_SENTRY: "1" });
      service.child.kill("SIGTERM");
      await service.ended;
      expect(sentry.received).toBe("");
    });

    it("reports errors, without secrets and without contents of messages", async () => {
      const { service, messageId } = await startOnPoison({});
      await eventually(() => sentry.events, { timeout: 20_000 }).toMatchObject([
        {
          message: "a message cannot be understood, and stays in the queue",
          environment: "test",
          extra: { messageId },
        },
      ]);
      expect(sentry.received).not.toContain("acme");
      service.child.kill("SIGKILL");
    });

    it("reports failures with where they happened, secrets hidden", async () => {
      const service = start(
        world.environment(world.queue(), {
          SENTRY_DSN: sentry.dsn,
          SERVER_API_KEY: "no-such-queue",
          QUEUE_URL: `${world.queues.endpoint}/000000000000/no-such-queue`,
        }),
      );
      await eventually(() => sentry.events.at(-1)?.exception?.values[0], { timeout: 20_000 }).toMatchObject({
        type: "CodedError",
        value: expect.stringContaining("/[redacted] cannot be used") as unknown as string,
        stacktrace: {
          frames: expect.arrayContaining([
            expect.objectContaining({ function: expect.any(String) as unknown as string }),
          ]) as unknown,
        },
      });
      expect(sentry.received).not.toContain("no-such-queue");
      service.child.kill("SIGKILL");
    });

    it("says what to do where the library for it is not installed, and ends with 78", async () => {
      const hooks =
        "export const resolve = (name, context, next) => { if (name.startsWith('@sentry/')) throw new Error('not found'); return next(name, context); }";
      const register = `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});`;
      const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(register)}`;
      const { code, stderr } = await start(world.environment(world.queue(), { SENTRY_DSN: sentry.dsn, NODE_OPTIONS }))
        .ended;
      expect(code).toBe(78);
      expect(stderr).toContain(
        "SENTRY_DSN: errors cannot be reported without the package @sentry/core, which was left out at installation: install it, or set DISABLE_SENTRY=1",
      );
    });
  });

  describe("told to", () => {
    const run = (args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> =>
      start(environment, args).ended;

    it.each(["--help", "-h", "help"])("%s, says what it is", async (argument) => {
      expect(await run([argument])).toMatchObject({
        code: 0,
        stderr: "",
        stdout: expect.stringContaining("Keeps a shared Redis up to date") as unknown as string,
      });
    });

    it("help configuration, lists every variable", async () => {
      const { code, stdout } = await run(["help", "configuration"]);
      expect({ code, rows: stdout.split("\n").filter((line) => line.startsWith("| ")).length }).toMatchObject({
        code: 0,
      });
      expect(stdout).toContain("| CACHE_UPDATE_POLICY | UPDATE_IF_EXISTS |");
    });

    it("--version, says which one it is", async () => {
      expect(await run(["--version"])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as unknown as string,
      });
    });

    it("do what there is not, ends with 2", async () => {
      expect(await run(["sweep"])).toMatchObject({
        code: 2,
        stdout: "",
        stderr: expect.stringContaining("not understood: sweep") as unknown as string,
      });
    });
  });

  it("says everything that is wrong with its configuration at once, and ends with 78", async () => {
    const { code, stderr } = await start({
      BATCH_SIZE: "11",
      CACHE_UPDATE_POLICY: "NEVER",
      KEYS_TTL_IN_SECS: "0",
      SENTRY_DSN: "https://secret-key@host",
    }).ended;
    expect(code).toBe(78);
    expect(stderr.split("\n").filter((line) => line.startsWith("  - "))).toEqual([
      "  - AWS_REGION is not set: it is required (region of the queue)",
      expect.stringContaining("  - QUEUE_URL is not set: it is required"),
      expect.stringContaining("  - SERVER_API_KEY is not set: it is required"),
      '  - BATCH_SIZE: "11" is not allowed, it must be an integer from 1 to 10',
      expect.stringContaining('  - KEYS_TTL_IN_SECS: "0" is not allowed'),
      "  - SENTRY_DSN: its value (hidden: it is a secret) is not allowed, it must be a DSN as Sentry shows it: https://<key>@<host>/<project>",
      '  - CACHE_UPDATE_POLICY: "NEVER" is not allowed, it must be one of UPDATE_IF_EXISTS, UPSERT',
    ]);
    expect(stderr).not.toContain("secret-key");
  });

  it("says which port is taken, and ends with 78", async () => {
    const other = createServer().listen(0);
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await start(world.environment(world.queue(), { PORT: String(port) })).ended;
    other.close();
    expect({ code, stderr }).toMatchObject({
      code: 78,
      stderr: expect.stringMatching(new RegExp(`PORT: port ${port} is in use \\(EADDRINUSE\\)`)) as unknown as string,
    });
  });
});

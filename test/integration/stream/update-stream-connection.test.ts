import { afterEach, describe, expect, it } from "@jest/globals";
import { streamUnderTest } from "./stream-under-test.js";

type UnderTest = Awaited<ReturnType<typeof streamUnderTest>>;
const opened: UnderTest[] = [];

async function open(...options: Parameters<typeof streamUnderTest>): Promise<UnderTest> {
  const test = await streamUnderTest(...options);
  opened.push(test);
  return test;
}

async function connected(...options: Parameters<typeof streamUnderTest>): Promise<UnderTest> {
  const test = await open(...options);
  test.stream.start(test.listener);
  await test.listener.until("connected");
  return test;
}

afterEach(async () => {
  for (const { stream, server } of opened.splice(0)) {
    const stopped = stream.stop();
    await server.stop();
    await stopped;
  }
});

const SUBSCRIPTIONS = ["OnEntitlementsUpdatedV2", "OnUsageUpdatedV2", "OnPackagePublished"] as const;
const logged = ({ logger }: UnderTest) => logger.lines.map(({ level }) => level);

describe("the opening", () => {
  it("says who it is, and opens all three subscriptions on one socket", async () => {
    const { server } = await connected();
    expect(server.count("upgrade")).toBe(1);
    expect([...server.queries.keys()]).toEqual([...SUBSCRIPTIONS]);
    expect(server.initPayloads).toEqual([
      {
        headers: expect.objectContaining({
          "X-API-KEY": "server-key",
          source: "TEST",
          "X-SDK-INSTANCE-ID": "1234",
          "X-SDK-OS-PROCESS-ID": String(process.pid),
        }),
      },
    ]);
  });

  it("is reported only once upstream has read all subscriptions", async () => {
    const { server, listener, stream } = await open();
    stream.start(listener);
    await server.until("ping");
    expect(server.happened).toEqual(["upgrade", "init", ...SUBSCRIPTIONS.map((name) => `subscribe ${name}`), "ping"]);
    await listener.until("connected");
    expect(listener.received).toEqual(["connected"]);
  });

  it("tells once that it is connected", async () => {
    const test = await connected();
    expect(logged(test)).toEqual(["info"]);
    expect(test.telemetry).toMatchObject({ networkRequestErrors: 0, invalidApiKeyErrors: 0, initializationErrors: 0 });
  });
});

describe("a connection that is lost", () => {
  it("is opened again at once, and both ends of the gap are reported", async () => {
    const test = await connected();
    test.server.closeAll(1001, "going away");
    await test.listener.until("connected", 2);
    expect(test.listener.received).toEqual(["connected", "disconnected", "connected"]);
    expect(logged(test)).toEqual(["info", "warn", "warn"]);
    expect(test.telemetry).toMatchObject({ networkRequestErrors: 1, initializationErrors: 0 });
  });

  it.each([1000, 1011, 1012, 4004, 4400, 4406, 4409, 4429, 4499, 4500])(
    "with close code %d is opened again, whatever the library thinks of that code",
    async (code) => {
      const test = await connected();
      test.server.closeAll(code, "for a reason");
      await test.listener.until("connected", 2);
      expect(test.server.count("upgrade")).toBe(2);
    },
  );

  it("is found again after any number of tries, of which one line tells", async () => {
    const test = await connected();
    await test.server.stop();
    await test.listener.until("disconnected");
    await test.passTimeUntil(() => test.telemetry.networkRequestErrors >= 8);
    await test.server.start();
    await test.passTimeUntil(() => test.listener.received.length === 3);
    expect(test.listener.received).toEqual(["connected", "disconnected", "connected"]);
    expect(logged(test)).toEqual(["info", "warn", "warn"]);
  });

  it("is tried again as often where the clock is set forward meanwhile", async () => {
    const test = await connected();
    await test.server.stop();
    await test.listener.until("disconnected");
    test.clock.set(test.clock.now() + 3_600_000);
    const since = test.clock.elapsed();
    await test.passTimeUntil(() => test.telemetry.networkRequestErrors >= 10);
    expect(test.clock.elapsed() - since).toBeLessThan(20_000);
  });

  it("by a message that is none is lost like any other", async () => {
    const test = await connected();
    test.server.sendRaw("{ this is not JSON");
    await test.listener.until("connected", 2);
    expect(test.listener.received).toEqual(["connected", "disconnected", "connected"]);
  });
});

describe("upstream that does not answer", () => {
  it("is given up when it does not answer the upgrade", async () => {
    const test = await open();
    test.server.behaviour.upgrade = "hang";
    test.stream.start(test.listener);
    await test.server.until("upgrade");
    delete test.server.behaviour.upgrade;
    test.clock.advance(test.acknowledgeTimeoutMs);
    await test.listener.until("connected");
    expect(test.telemetry).toMatchObject({ networkRequestErrors: 1, initializationErrors: 1 });
  });

  it("is given up when it does not acknowledge the connection", async () => {
    const test = await open();
    test.server.behaviour.init = "hang";
    test.stream.start(test.listener);
    await test.server.until("init");
    delete test.server.behaviour.init;
    test.clock.advance(test.acknowledgeTimeoutMs);
    await test.listener.until("connected");
    expect(test.server.count("upgrade")).toBe(2);
  });

  it("is given up within 20 seconds when it goes silent on an open connection", async () => {
    const test = await connected();
    test.server.behaviour.isSilent = true;
    test.clock.advance(20_000);
    await test.listener.until("disconnected");
    delete test.server.behaviour.isSilent;
    await test.server.until("upgrade", 2);
    await test.listener.until("connected", 2);
  });

  it("is not given up while it answers pings", async () => {
    const test = await connected();
    await test.passTimeUntil(() => test.server.count("ping") === 20);
    test.server.send("OnPackagePublished", { data: { packagePublished: { migrationType: "NEW_CUSTOMERS" } } });
    await test.listener.until("package-published");
    expect(test.listener.received).toEqual(["connected", "package-published"]);
  });
});

describe("a subscription", () => {
  it("that upstream completes is subscribed again on the same socket, with the gap told", async () => {
    const test = await connected();
    test.server.complete("OnUsageUpdatedV2");
    await test.listener.until("connected", 2);
    expect(test.listener.received).toEqual(["connected", "disconnected", "connected"]);
    expect(test.server.count("upgrade")).toBe(1);
    expect(test.server.count("subscribe OnUsageUpdatedV2")).toBe(2);
    expect(test.server.count("subscribe OnPackagePublished")).toBe(1);
  });

  it("that upstream refuses is subscribed again, ever later; until then nothing is taken to be connected", async () => {
    const test = await open();
    test.server.behaviour.subscribe = { OnUsageUpdatedV2: { message: "not now" } };
    test.stream.start(test.listener);
    const subscribedAt: number[] = [];
    for (let times = 1; times < 8; times++) {
      await test.passTimeUntil(() => test.server.count("subscribe OnUsageUpdatedV2") >= times);
      subscribedAt.push(test.clock.now());
    }
    const waits = subscribedAt.slice(1).map((timestamp, i) => timestamp - (subscribedAt[i] ?? 0));
    expect(waits.toSorted((a, b) => a - b)).toEqual(waits);
    expect(test.listener.received).toEqual([]);
    expect(logged(test)).toEqual(["warn"]);
    test.server.behaviour.subscribe = {};
    await test.passTimeUntil(() => test.listener.received.includes("connected"));
    expect(test.server.count("upgrade")).toBe(1);
  });

  it("that is refused late, after upstream has read all of them, is not taken to be live either", async () => {
    const test = await open({ settleMs: 1_000 });
    test.stream.start(test.listener);
    await test.passTimeUntil(() => test.server.count("ping") === 1);
    test.server.behaviour.subscribe = { OnUsageUpdatedV2: { message: "not now" } };
    test.server.refuse("OnUsageUpdatedV2", "not now");
    await test.passTimeUntil(() => test.server.count("subscribe OnUsageUpdatedV2") === 6);
    expect(test.listener.received).toEqual([]);
  });

  it("that is refused keeps the renewal of another from being taken for the whole", async () => {
    const test = await connected();
    test.server.behaviour.subscribe = { OnUsageUpdatedV2: { message: "not now" } };
    test.server.complete("OnUsageUpdatedV2");
    await test.passTimeUntil(() => test.server.count("subscribe OnUsageUpdatedV2") === 6);
    test.server.complete("OnPackagePublished");
    await test.server.until("subscribe OnPackagePublished", 2);
    // Each event that arrives leaves time for an answer that was on its way before it.
    for (let events = 1; events <= 5; events++) {
      test.server.send("OnPackagePublished", { data: { packagePublished: { migrationType: "NEW_CUSTOMERS" } } });
      await test.listener.until("package-published", events);
    }
    expect(test.listener.received.filter((received) => received !== "package-published")).toEqual([
      "connected",
      "disconnected",
    ]);
  });

  it("that is refused does not keep the events of others away", async () => {
    const test = await open();
    test.server.behaviour.subscribe = { OnUsageUpdatedV2: { message: "not now" } };
    test.stream.start(test.listener);
    await test.server.until("subscribe OnPackagePublished");
    test.server.send("OnPackagePublished", { data: { packagePublished: { migrationType: "ALL_CUSTOMERS" } } });
    await test.listener.until("package-published");
  });
});

describe("an API key that upstream refuses", () => {
  it.each<[how: string, refuse: (test: UnderTest) => void, allow: (test: UnderTest) => void]>([
    [
      "by a close code",
      ({ server }) => (server.behaviour.init = { code: 4401, reason: "Invalid API key" }),
      ({ server }) => delete server.behaviour.init,
    ],
    [
      "by a reason alone",
      ({ server }) => (server.behaviour.init = { code: 1008, reason: "Invalid API key" }),
      ({ server }) => delete server.behaviour.init,
    ],
    [
      "by the upgrade",
      ({ server }) => (server.behaviour.upgrade = 401),
      ({ server }) => delete server.behaviour.upgrade,
    ],
    [
      "by an error of a subscription",
      ({ server }) =>
        (server.behaviour.subscribe = {
          OnPackagePublished: { message: "no", extensions: { code: "Unauthenticated" } },
        }),
      ({ server }) => delete server.behaviour.subscribe,
    ],
  ])("%s is tried again slowly, for ever, and counted; one line tells", async (_, refuse, allow) => {
    const test = await open();
    refuse(test);
    test.stream.start(test.listener);
    for (let refusals = 1; refusals <= 4; refusals++) {
      await test.server.until("upgrade", refusals);
      while (test.telemetry.invalidApiKeyErrors < refusals) await new Promise((resolve) => setImmediate(resolve));
      test.clock.advance(14_999);
      expect(test.server.count("upgrade")).toBe(refusals);
      expect(test.telemetry.apiKeyState).toBe("refused");
      if (refusals === 4) allow(test);
      test.clock.advance(15_001);
    }
    await test.listener.until("connected");
    expect(logged(test)).toEqual(["error", "error"]);
    expect(test.telemetry).toMatchObject({ invalidApiKeyErrors: 4, initializationErrors: 4, networkRequestErrors: 0 });
    expect(test.telemetry.apiKeyState).toBe("accepted");
  });

  it("is never shown", async () => {
    const test = await open();
    test.server.behaviour.init = { code: 4401, reason: "Invalid API key" };
    test.stream.start(test.listener);
    while (test.telemetry.invalidApiKeyErrors < 1) await new Promise((resolve) => setImmediate(resolve));
    expect(JSON.stringify(test.logger.lines)).not.toContain("server-key");
  });
});

describe("throttling", () => {
  it("is met by patience, and logged as information", async () => {
    const test = await connected();
    test.server.behaviour.init = { code: 4429, reason: "ThrottlerException: Too Many Requests" };
    test.server.closeAll(4500, "ThrottlerException: Too Many Requests");
    await test.listener.until("disconnected");
    expect(test.server.count("upgrade")).toBe(1);
    expect(logged(test)).toEqual(["info", "info"]);
    delete test.server.behaviour.init;
    await test.passTimeUntil(() => test.listener.received.length === 3);
    expect(logged(test)).toEqual(["info", "info", "info"]);
  });
});

describe("the end", () => {
  it("closes the socket, and nothing is told after it", async () => {
    const test = await connected();
    await test.stream.stop();
    await test.server.until("close");
    expect(test.listener.received).toEqual(["connected"]);
    expect(test.clock.pendingTimers).toBe(0);
  });

  it("comes also where upstream does not agree to it", async () => {
    const test = await open();
    test.server.behaviour.upgrade = "hang";
    test.stream.start(test.listener);
    await test.server.until("upgrade");
    await test.stream.stop();
    expect(test.clock.pendingTimers).toBe(0);
  });

  it("comes also between two connections", async () => {
    const test = await connected();
    await test.server.stop();
    await test.listener.until("disconnected");
    await test.passTimeUntil(() => test.telemetry.networkRequestErrors >= 3);
    await test.stream.stop();
    test.clock.advance(60_000);
    expect(test.clock.pendingTimers).toBe(0);
  });
});

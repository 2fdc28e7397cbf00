import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { LinkLog } from "../../../../src/adapters/cache/redis-client/link/redis-failure.js";
import { ReportingLogger } from "../../../../src/adapters/error-reports/reporting-logger.js";
import { Resilience } from "../../../../src/adapters/upstream/resilience/resilience.js";
import { StartUpCheck } from "../../../../src/adapters/upstream/start-up-check.js";
import { limitsForBudget } from "../../../../src/adapters/upstream/vendor-upstream-limits.js";
import { WriteAvailability } from "../../../../src/application/consume/write-availability.js";
import { CodedError } from "../../../../src/domain/errors.js";
import { type Logger, OutageLog } from "../../../../src/ports/logger.js";
import { DependencyState, newTelemetry, type Telemetry } from "../../../../src/ports/telemetry.js";
import { InMemorySharedCache } from "../../../fakes/in-memory-shared-cache.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

interface Stage {
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly clock: ManualClock;
}

/** Something that can be lost: how it is, and how it comes back. */
type Outage = (stage: Stage) => { readonly lose: () => unknown; readonly recover: () => unknown };

const microtasks = () => new Promise<void>((resolve) => setImmediate(resolve));
const FAILURE = new CodedError("unavailable", "not now");

const OUTAGES: Readonly<Record<string, Outage>> = {
  "the connection to Redis": ({ logger, telemetry }) => {
    const link = new LinkLog("redis", logger, telemetry);
    return { lose: () => link.lost(new Error("ECONNREFUSED")), recover: () => link.connected() };
  },
  "answers of Redis in time": ({ logger, telemetry }) => {
    const link = new LinkLog("redis", logger, telemetry);
    return { lose: () => link.tooSlow(250), recover: () => link.inTime() };
  },
  "writes to Redis": ({ logger, telemetry }) => {
    const link = new LinkLog("redis", logger, telemetry);
    return {
      lose: () => link.answered([["SET", "key", "value"]], [new Error("READONLY x")], true, false),
      recover: () => link.answered([["SET", "key", "value"]], ["OK"], true, false),
    };
  },
  ...Object.fromEntries(["Edge", "the API"].map((name): [string, Outage] => [name, breaker(name)])),
  "the API at the start": startUp(FAILURE),
  "the API key": startUp(new CodedError("unauthenticated", "Invalid API key")),
  "writes to the shared cache": ({ logger, clock }) => {
    const gate = new WriteAvailability(
      new InMemorySharedCache(),
      clock,
      logger,
      { writeFailed: () => undefined },
      { firstDelayMs: 10, longestDelayMs: 10 },
    );
    gate.start();
    return {
      lose: async () => {
        await microtasks();
        gate.close(FAILURE);
      },
      recover: () => clock.advance(10),
    };
  },
};

function breaker(name: string): Outage {
  return ({ logger, telemetry, clock }) => {
    const resilience = new Resilience(
      { ...limitsForBudget(1_000), failuresToOpen: 1 },
      { logger, telemetry, clock, random: () => 0 },
    );
    const circuit = resilience.breakerOf(name, () => Promise.resolve());
    return { lose: () => circuit.failed(FAILURE, circuit.enter()), recover: () => circuit.succeeded() };
  };
}

function startUp(failure: CodedError): Outage {
  return ({ logger, telemetry, clock }) => {
    let isBack = false;
    const probe = () => (isBack ? Promise.resolve() : Promise.reject(failure));
    const check = new StartUpCheck(
      { name: "the API", target: "api", probe, firstDelayMs: 10, longestDelayMs: 10, random: () => 0 },
      clock,
      logger,
      telemetry,
    );
    return {
      lose: () => check.start(),
      recover: () => {
        isBack = true;
        clock.advance(10);
      },
    };
  };
}

describe.each(Object.entries(OUTAGES))("%s", (_, outage) => {
  it("is lost and recovered at one level, which is seen by default, with one line each", async () => {
    const [logger, clock] = [new RecordingLogger(), new ManualClock()];
    const { lose, recover } = outage({ logger, telemetry: newTelemetry(), clock });
    await lose();
    await microtasks();
    const [loss, ...more] = logger.lines.filter(({ level }) => level === "warn" || level === "error");
    expect(more).toEqual([]);
    const before = logger.lines.length;
    await recover();
    await microtasks();
    const recovery = logger.lines.slice(before);
    expect(recovery.map(({ level }) => level)).toEqual([loss?.level]);
    expect(recovery[0]?.message).not.toBe(loss?.message);
  });
});

describe("an outage", () => {
  it("of several kinds is logged once for each, and recovered at the level of the worst", () => {
    const logger = new RecordingLogger();
    const outage = new OutageLog(logger);
    for (const [level, kind] of [
      ["info", "throttled"],
      ["info", "throttled"],
      ["error", "refused"],
      ["error", "refused"],
      ["warn", "lost"],
    ] as const)
      outage.lost(level, kind);
    outage.recovered("back");
    outage.works("back");
    outage.lost("warn", "lost");
    outage.recovered("back");
    expect(logger.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      "info throttled",
      "error refused",
      "warn lost",
      "error back",
      "warn lost",
      "warn back",
    ]);
  });

  it("shows as a figure", () => {
    const telemetry = newTelemetry();
    const state = new DependencyState("edge", telemetry.dependencies);
    const outage = new OutageLog(new RecordingLogger(), state);
    const seen = [state.isUp];
    outage.works("");
    seen.push(state.isUp);
    outage.lost("warn", "");
    seen.push(state.isUp);
    outage.works("");
    seen.push(state.isUp);
    expect(seen).toEqual([false, true, false, true]);
  });

  it("is reported as an error when it begins, and not when it is over", () => {
    const reported: string[] = [];
    const logger = new RecordingLogger();
    const outage = new OutageLog(
      new ReportingLogger(logger, { report: (message) => reported.push(message), flush: () => Promise.resolve() }),
    );
    outage.lost("error", "gone");
    outage.recovered("back");
    expect(reported).toEqual(["gone"]);
    expect(logger.lines.map(({ level }) => level)).toEqual(["error", "error"]);
  });
});

describe("a file that is followed", () => {
  it("with a fault is recovered at the level of the fault", async () => {
    const folder = mkdtempSync(join(tmpdir(), "outage-"));
    const file = join(folder, "catalog.yaml");
    const good = (id: string) => `features: [{ id: ${id}, kind: boolean }]\ncustomers: []\n`;
    writeFileSync(file, good("a"));
    const { openCatalog } = await import("../../../../src/adapters/catalog/engine/open-catalog.js");
    const { SystemClock } = await import("../../../../src/adapters/ops/system-clock.js");
    const logger = new RecordingLogger();
    const engine = await openCatalog({ source: { file }, clock: new SystemClock(), logger });
    writeFileSync(file, "features: 3\n");
    await logger.until("The last good catalog goes on serving");
    writeFileSync(file, good("b"));
    await logger.until("the catalog changed");
    expect(logger.lines.map(({ level }) => level)).toEqual(["error", "error"]);
    await engine.close();
    rmSync(folder, { recursive: true });
  });
});

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { askRunningProcess, OperatorRequests } from "../../../../src/adapters/outbox/operator-requests.js";
import type { OperatorAnswer, OperatorRequest } from "../../../../src/ports/outbox.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";
import { eventually } from "../../../support/expectations.js";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "operator-requests-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const RETRY: OperatorRequest = { action: "retry", ids: [1] };

function taking(carryOut: (request: OperatorRequest) => Promise<OperatorAnswer>) {
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const requests = new OperatorRequests(directory, clock, logger, carryOut);
  let carriedOut = 0;
  requests.start(() => carriedOut++);
  const look = async () => {
    await eventually(() => clock.pendingTimers).toBe(1);
    clock.advance(500);
  };
  return { requests, logger, look, carriedOut: () => carriedOut };
}

describe("what operators ask of a running process", () => {
  it("is answered with what could not be done, and the next is taken all the same", async () => {
    const outcomes = [
      () => Promise.reject(new Error("no space left")),
      () => Promise.resolve({ done: [1], faults: [] }),
    ];
    const { look, carriedOut } = taking(() => outcomes.shift()!());
    const first = askRunningProcess(directory, RETRY, 5_000);
    await look();
    expect(await first).toEqual({ done: [], faults: ["no space left"] });
    const second = askRunningProcess(directory, RETRY, 5_000);
    await look();
    expect(await second).toEqual({ done: [1], faults: [] });
    expect(carriedOut()).toBe(2);
  });

  it("does not end the process where it cannot be read", async () => {
    const { look, logger } = taking(() => Promise.resolve({ done: [1], faults: [] }));
    writeFileSync(join(directory, "request-00000000-0000-0000-0000-000000000000.json"), "{");
    await look();
    await look();
    expect(logger.count("request")).toBe(1);
    expect(readdirSync(directory).filter((name) => name.startsWith("request"))).toEqual([]);
    rmSync(directory, { recursive: true });
    await look();
    await look();
    await look();
    expect(logger.lines.map(({ level }) => level)).toEqual(["warn", "warn"]);
  });

  it("is said to be under way where it was taken and is not answered in time", async () => {
    const { look } = taking(() => new Promise(() => undefined));
    const asked = askRunningProcess(directory, RETRY, 1_000);
    await look();
    expect(await asked).toBe("under way");
    expect(await askRunningProcess(directory, RETRY, 1)).toBe("not taken");
  });

  it("is not waited for once the process that has the outbox has ended", async () => {
    expect(await askRunningProcess(directory, RETRY, 60_000, () => true)).toBe("not taken");
    expect(readdirSync(directory)).toEqual([]);
  });

  it("is answered before the process that took it ends", async () => {
    let answer: (answer: OperatorAnswer) => void = () => undefined;
    const { look, requests } = taking(() => new Promise((resolve) => (answer = resolve)));
    const asked = askRunningProcess(directory, RETRY, 5_000);
    await look();
    const stopped = requests.stop();
    answer({ done: [1], faults: [] });
    await stopped;
    expect(readdirSync(directory)).toEqual([expect.stringMatching(/^answer/)]);
    expect(await asked).toEqual({ done: [1], faults: [] });
  });
});

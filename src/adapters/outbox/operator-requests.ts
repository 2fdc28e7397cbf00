import { randomUUID } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import { CodedError } from "../../domain/errors.js";
import type { AsideItem } from "../../domain/outbox/outbox-record.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import type { OperatorAnswer, OperatorRequest } from "../../ports/outbox.js";
import { hasNoRoom, RESERVE } from "./outbox-disk.js";
import { toJson } from "./record-codec.js";

const LOOK_MS = 500;
const REQUEST = /^request-([0-9a-f-]{36})\.json$/;

/** Takes what operators ask for beside a running process: as files in the outbox's directory, so that it needs no port. */
export class OperatorRequests {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #outage: OutageLog;
  readonly #carryOut: (request: OperatorRequest) => Promise<OperatorAnswer>;
  #cancel: CancelTimer = () => undefined;
  #looking: Promise<void> | undefined;
  #isStopped = false;

  constructor(
    directory: string,
    clock: Clock,
    logger: Logger,
    carryOut: (request: OperatorRequest) => Promise<OperatorAnswer>,
  ) {
    this.#directory = directory;
    this.#clock = clock;
    this.#logger = logger;
    this.#outage = new OutageLog(logger);
    this.#carryOut = carryOut;
  }

  /** @param onCarriedOut called after each: there may be more to deliver */
  start(onCarriedOut: () => void): void {
    this.#isStopped = false;
    this.#cancel = this.#clock.after(LOOK_MS, () => {
      this.#looking = this.#look(onCarriedOut).finally(() => {
        this.#looking = undefined;
        if (!this.#isStopped) this.start(onCarriedOut);
      });
    });
  }

  /** Resolves once what was taken is answered. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#looking;
  }

  /** Never rejects: whatever operators ask, the process goes on. */
  async #look(onCarriedOut: () => void): Promise<void> {
    try {
      for (const name of readdirSync(this.#directory)) {
        const id = REQUEST.exec(name)?.[1];
        if (id === undefined) continue;
        const answer = await this.#answer(join(this.#directory, name));
        onCarriedOut();
        place(this.#directory, `answer-${id}.json`, answer);
      }
      this.#outage.works("what operators ask of the outbox can be taken again");
    } catch (error) {
      this.#outage.lost("warn", "what operators ask of the outbox cannot be taken or answered", { error });
    }
  }

  async #answer(path: string): Promise<OperatorAnswer> {
    try {
      const text = readFileSync(path, "utf8");
      rmSync(path);
      return await this.#carryOut(JSON.parse(text) as OperatorRequest);
    } catch (error) {
      this.#logger.warn("a request of an operator to the outbox could not be carried out", { error });
      return { done: [], faults: [error instanceof Error ? error.message : String(error)] };
    }
  }
}

/**
 * Asks the process that has the outbox.
 *
 * @param hasEnded whether that process is gone, so that no answer can come any more
 * @returns its answer, or whether it took the request where none came in time
 * @throws CodedError where the request cannot be written: nothing was done
 */
export async function askRunningProcess(
  directory: string,
  request: OperatorRequest,
  waitMs: number,
  hasEnded: () => boolean = () => false,
): Promise<OperatorAnswer | "not taken" | "under way"> {
  const id = randomUUID();
  const name = `request-${id}.json`;
  try {
    place(directory, name, request);
  } catch (error) {
    throw new CodedError(
      hasNoRoom(error) ? "resource-exhausted" : "unavailable",
      `the process that has the outbox cannot be asked by a file in ${directory} (${(error as Error).message}): nothing was done`,
      { cause: error },
    );
  }
  const answer = join(directory, `answer-${id}.json`);
  let isOver = false;
  for (let waited = 0; ; waited += 100) {
    if (existsSync(answer)) {
      const text = readFileSync(answer, "utf8");
      rmSync(answer);
      return JSON.parse(text) as OperatorAnswer;
    }
    // It may have answered just before its end.
    if (isOver || waited >= waitMs) break;
    isOver = hasEnded();
    if (!isOver) await elapse(100);
  }
  try {
    unlinkSync(join(directory, name));
    return "not taken";
  } catch {
    return "under way";
  }
}

/** What was dropped stays on record, with the reason, as one line of JSON each. */
export function keepDropped(directory: string, item: AsideItem, reason: string, at: number): void {
  const line = `${JSON.stringify({ droppedAt: at, dropReason: reason, ...item }, toJson)}\n`;
  const path = join(directory, "dropped.jsonl");
  withReserve(directory, () => {
    const length = existsSync(path) ? statSync(path).size : 0;
    try {
      appendFileSync(path, line, { mode: 0o600, flush: true });
    } catch (error) {
      // A part of a line would spoil the next one.
      if (existsSync(path)) truncateSync(path, length);
      throw error;
    }
  });
}

function place(directory: string, name: string, content: object): void {
  const temporary = join(directory, `${name}.part`);
  withReserve(directory, () => {
    try {
      writeFileSync(temporary, JSON.stringify(content), { mode: 0o600 });
      renameSync(temporary, join(directory, name));
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}

/** What an operator decides makes room on a full disk: it can use what is kept for that. */
function withReserve(directory: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!hasNoRoom(error)) throw error;
    rmSync(join(directory, RESERVE), { force: true });
    write();
  }
}

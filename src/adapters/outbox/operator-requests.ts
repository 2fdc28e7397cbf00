import { randomUUID } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import type { OperatorAnswer, OperatorRequest } from "../../ports/outbox.js";
import type { AsideItem } from "../../domain/outbox/outbox-record.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import { OutageLog } from "../../ports/outage-log.js";
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
      void this.#look(onCarriedOut).finally(() => {
        if (!this.#isStopped) this.start(onCarriedOut);
      });
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
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

/** Asks the process that has the outbox. @returns its answer, or whether it took the request where none came in time */
export async function askRunningProcess(
  directory: string,
  request: OperatorRequest,
  waitMs: number,
): Promise<OperatorAnswer | "not taken" | "under way"> {
  const id = randomUUID();
  const name = `request-${id}.json`;
  place(directory, name, request);
  const answer = join(directory, `answer-${id}.json`);
  for (let waited = 0; waited < waitMs; waited += 100) {
    if (existsSync(answer)) {
      const text = readFileSync(answer, "utf8");
      rmSync(answer);
      return JSON.parse(text) as OperatorAnswer;
    }
    await elapse(100);
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
  appendFileSync(
    join(directory, "dropped.jsonl"),
    `${JSON.stringify({ droppedAt: at, dropReason: reason, ...item }, toJson)}\n`,
    { mode: 0o600, flush: true },
  );
}

function place(directory: string, name: string, content: object): void {
  const temporary = join(directory, `${name}.part`);
  writeFileSync(temporary, JSON.stringify(content), { mode: 0o600 });
  renameSync(temporary, join(directory, name));
}

import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import type { OperatorAnswer, OperatorRequest } from "../../ports/outbox.js";
import type { AsideItem } from "../../domain/outbox/outbox-record.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";
import { toJson } from "./record-codec.js";

const LOOK_MS = 500;
const REQUEST = /^request-([0-9a-f-]{36})\.json$/;

/** Takes what operators ask for beside a running process: as files in the outbox's directory, so that it needs no port. */
export class OperatorRequests {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #carryOut: (request: OperatorRequest) => Promise<OperatorAnswer>;
  #cancel: CancelTimer = () => undefined;
  #isStopped = false;

  constructor(directory: string, clock: Clock, carryOut: (request: OperatorRequest) => Promise<OperatorAnswer>) {
    this.#directory = directory;
    this.#clock = clock;
    this.#carryOut = carryOut;
  }

  start(): void {
    this.#isStopped = false;
    this.#cancel = this.#clock.after(LOOK_MS, () => {
      void this.#look().finally(() => {
        if (!this.#isStopped) this.start();
      });
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  async #look(): Promise<void> {
    for (const name of readdirSync(this.#directory)) {
      const id = REQUEST.exec(name)?.[1];
      if (id === undefined) continue;
      const path = join(this.#directory, name);
      const request = JSON.parse(readFileSync(path, "utf8")) as OperatorRequest;
      rmSync(path);
      place(this.#directory, `answer-${id}.json`, await this.#carryOut(request));
    }
  }
}

/** Asks the process that has the outbox. @returns undefined where none answers in time */
export async function askRunningProcess(
  directory: string,
  request: OperatorRequest,
  waitMs: number,
): Promise<OperatorAnswer | undefined> {
  const id = randomUUID();
  place(directory, `request-${id}.json`, request);
  const answer = join(directory, `answer-${id}.json`);
  for (let waited = 0; waited < waitMs; waited += 100) {
    if (existsSync(answer)) {
      const text = readFileSync(answer, "utf8");
      rmSync(answer);
      return JSON.parse(text) as OperatorAnswer;
    }
    await elapse(100);
  }
  rmSync(join(directory, `request-${id}.json`), { force: true });
  return undefined;
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

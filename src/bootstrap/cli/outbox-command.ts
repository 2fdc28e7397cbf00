import { statSync } from "node:fs";
import { SystemClock } from "../../adapters/ops/system-clock.js";
import { askRunningProcess, keepDropped } from "../../adapters/outbox/operator-requests.js";
import { DirectoryDisk } from "../../adapters/outbox/outbox-disk.js";
import { fileName, numbersOf } from "../../adapters/outbox/outbox-file-header.js";
import { type OutboxContent, readOutbox } from "../../adapters/outbox/read-outbox.js";
import { toJson } from "../../adapters/outbox/record-codec.js";
import { OUTBOX_DEFAULTS, SegmentedOutbox } from "../../adapters/outbox/segmented-outbox.js";
import { operateOutbox } from "../../application/report/operate-outbox.js";
import { CodedError } from "../../domain/errors.js";
import type { AsideItem } from "../../domain/outbox/outbox-record.js";
import type { OperatorAnswer, OperatorRequest } from "../../ports/outbox.js";
import { StartError } from "../process/start-error.js";
import { lockOutbox, OUTBOX_LOCK, type OutboxLock } from "../sidecar/outbox.js";
import type { Output } from "./output.js";
import { parseCommandLine, UsageError } from "./parse-command-line.js";

const ACTIONS = ["status", "list", "show", "retry", "drop", "export"] as const;
type Action = (typeof ACTIONS)[number];
const OPTIONS = { dir: { type: "string" }, reason: { type: "string" } } as const;

const ANSWER_MS = 10_000;
const EXIT = { ok: 0, fault: 1 } as const;
const SILENT = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };

/** Looks into an outbox, also beside the process that has it, and decides on what was set aside. */
export async function outboxCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const action = ACTIONS.find((known) => known === args[0]);
  if (action === undefined) throw new UsageError(`say what to do with the outbox: ${ACTIONS.join(", ")}`);
  const takesIds = action === "show" || action === "retry" || action === "drop";
  const { values, positionals } = parseCommandLine(args.slice(1), {
    positionals: [],
    takesMore: takesIds,
    options: OPTIONS,
  });
  const ids = [...new Set(positionals)].map(idOf);
  const directory = values.dir ?? environment["USAGE_OUTBOX_DIR"];
  if (directory === undefined || directory === "")
    throw new UsageError("say which outbox: --dir <directory>, or USAGE_OUTBOX_DIR");
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new UsageError(`there is no directory ${directory}`);
  if (takesIds && ids.length === 0)
    throw new UsageError(`${action}: name items by their ids, as "outbox list" tells them`);
  if (action === "drop" && (values.reason ?? "").trim() === "")
    throw new UsageError("drop: say why by --reason <text>; it is kept");
  if (!holdsOutbox(directory)) throw new UsageError(`there is no outbox in ${directory}`);
  try {
    if (action === "retry" || action === "drop")
      return await decide(directory, { action, ids, reason: values.reason }, output);
    return look(action, directory, ids, output);
  } catch (error) {
    if (!(error instanceof CodedError) && !(error instanceof StartError)) throw error;
    output.err(error.message);
    return EXIT.fault;
  }
}

/** Also where a process has just begun one; to look must not begin another. */
function holdsOutbox(directory: string): boolean {
  const names = new DirectoryDisk(directory).names();
  return names.includes(OUTBOX_LOCK) || filesOf(names).length > 0;
}

function filesOf(names: readonly string[]): readonly string[] {
  return (["segment", "checkpoint", "keys"] as const).flatMap((kind) =>
    numbersOf(kind, names).map((number) => fileName(kind, number)),
  );
}

function idOf(text: string): number {
  const id = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(id)) throw new UsageError(`not understood: ${text}`);
  return id;
}

function look(
  action: Exclude<Action, "retry" | "drop">,
  directory: string,
  ids: readonly number[],
  output: Output,
): number {
  const disk = new DirectoryDisk(directory);
  const content = readOutbox(disk);
  for (const finding of content.findings) output.err(finding);
  const items = [...content.state.aside.values()];
  switch (action) {
    case "status":
      output.out(JSON.stringify(statusOf(content, disk), undefined, 2));
      return content.findings.length === 0 ? EXIT.ok : EXIT.fault;
    case "list":
      for (const item of items)
        output.out(
          `${item.id}  ${item.list}  ${new Date(item.at).toISOString()}  ${item.count} ${item.count === 1 ? "report" : "reports"}  ${describe(item)}  ${item.reason}`,
        );
      if (items.length === 0) output.out("nothing was set aside");
      return EXIT.ok;
    case "show": {
      const shown = items.filter(({ id }) => ids.includes(id));
      for (const item of shown) output.out(JSON.stringify(item, toJson, 2));
      for (const id of ids) if (!shown.some((item) => item.id === id)) output.err(`there is no item ${id}`);
      return shown.length === ids.length ? EXIT.ok : EXIT.fault;
    }
    case "export":
      for (const entry of content.state.entries.values())
        output.out(JSON.stringify({ state: "pending", ...entry.record(content.id ?? "") }, toJson));
      for (const batch of content.state.eventBatches.values())
        output.out(
          JSON.stringify({
            state: "pending",
            type: "event-batch",
            id: batch.id,
            events: batch.events.map(({ id }) => id),
            triedAt: batch.triedAt,
          }),
        );
      output.out(JSON.stringify({ state: "pending", type: "events", count: content.state.events.length }));
      for (const item of items) output.out(JSON.stringify({ state: item.list, ...item }, toJson));
      return EXIT.ok;
  }
}

function statusOf({ id, state, damagedRecords }: OutboxContent, disk: DirectoryDisk): object {
  const oldestAt = state.oldestAt();
  const files = filesOf(disk.names());
  return {
    outbox: id,
    ...state.totals,
    pending: state.pending,
    pendingEntries: state.entries.size,
    pendingEvents:
      state.events.length + [...state.eventBatches.values()].reduce((sum, { events }) => sum + events.length, 0),
    aside: state.aside.size,
    oldest: oldestAt === undefined ? null : new Date(oldestAt).toISOString(),
    bytes: files.reduce((sum, name) => sum + disk.size(name), 0),
    damagedRecords,
  };
}

function describe({ content }: AsideItem): string {
  if ("event" in content) return `event ${content.event.eventName} of ${content.event.subject.customerId}`;
  const { usage } = content;
  return `${usage.updateBehavior} ${usage.value} ${usage.featureId} of ${usage.subject.customerId}`;
}

async function decide(directory: string, request: OperatorRequest, output: Output): Promise<number> {
  const answer = await carriedOut(directory, request);
  if (answer === "not taken" || answer === "under way") {
    output.err(
      answer === "not taken"
        ? "the process that has the outbox does not answer: nothing was done; see whether it is well, or stop it and ask again"
        : 'the process that has the outbox took this on and has not finished: see by "outbox list" what was done, and whether its disk is well',
    );
    return EXIT.fault;
  }
  for (const id of answer.done) output.out(`${id}: ${request.action === "drop" ? "dropped" : "is tried again"}`);
  for (const fault of answer.faults) output.err(fault);
  return answer.faults.length === 0 ? EXIT.ok : EXIT.fault;
}

async function carriedOut(
  directory: string,
  request: OperatorRequest,
): Promise<OperatorAnswer | "not taken" | "under way"> {
  const lock = lockUnlessTaken(directory);
  if (lock === undefined) {
    const hasEnded = () => {
      const found = lockUnlessTaken(directory);
      found?.release();
      return found !== undefined;
    };
    const answer = await askRunningProcess(directory, request, ANSWER_MS, hasEnded);
    // Where it ended without having taken it, it is done here.
    return answer === "not taken" && hasEnded() ? carriedOut(directory, request) : answer;
  }
  try {
    const clock = new SystemClock();
    const outbox = new SegmentedOutbox(
      new DirectoryDisk(directory),
      { ...OUTBOX_DEFAULTS, durability: "power", maxBytes: Infinity },
      clock,
      SILENT,
    );
    const answer = await operateOutbox(request, outbox, clock, SILENT, (item, reason) =>
      keepDropped(directory, item, reason, clock.now()),
    );
    await outbox.close();
    return answer;
  } finally {
    lock.release();
  }
}

function lockUnlessTaken(directory: string): OutboxLock | undefined {
  try {
    return lockOutbox(directory);
  } catch (error) {
    if (!(error instanceof StartError) || !error.message.includes("another process")) throw error;
    return undefined;
  }
}

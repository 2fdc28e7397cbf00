import type { AsideItem, OutboxRecord } from "../../domain/outbox/outbox-record.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { OperatorAnswer, OperatorRequest, Outbox } from "../../ports/outbox.js";

/** Carries out what an operator decides. @param keep has what is dropped be on record, with the reason */
export async function operateOutbox(
  { action, ids, reason = "" }: OperatorRequest,
  outbox: Outbox,
  clock: Clock,
  logger: Logger,
  keep: (item: AsideItem, reason: string) => void,
): Promise<OperatorAnswer> {
  const done: number[] = [];
  const faults: string[] = [];
  for (const id of ids) {
    const item = outbox.state.aside.get(id);
    if (item === undefined) {
      faults.push(`there is no item ${id}`);
      continue;
    }
    const at = clock.now();
    try {
      if (action === "drop") keep(item, reason);
      await noted(
        outbox,
        action === "drop"
          ? { type: "dropped", id, reason, at }
          : { type: "retried", id, newId: outbox.state.takeId(), at },
      );
    } catch (error) {
      faults.push(`${id}: ${error instanceof Error ? error.message : String(error)}`);
      continue;
    }
    done.push(id);
    logger.warn(
      action === "drop"
        ? "an operator dropped reports of usage: they do not count"
        : "an operator has reports of usage tried again",
      { item: id, count: item.count, list: item.list, reason },
    );
  }
  return { done, faults };
}

function noted(outbox: Outbox, record: OutboxRecord): Promise<void> {
  return new Promise((resolve, reject) =>
    outbox.note(record, (error) => {
      if (error === undefined) resolve();
      else reject(error);
    }),
  );
}

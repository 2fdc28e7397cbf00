import type { UsageReport } from "../../src/domain/usage/usage-report.js";
import type { OutboxWorld, Sent } from "./outbox-world.js";

/** What is wrong with what became of all reports, as sentences; none: every one is at exactly one place. */
export function faultsOf(world: OutboxWorld): string[] {
  const faults: string[] = [];
  const { state, upstream } = world;
  if (state.pending !== 0) faults.push(`${state.pending} reports still wait`);
  const { accepted, delivered, rejected, stale } = state.totals;
  if (accepted !== delivered + rejected + stale)
    faults.push(`${accepted} accepted are not ${delivered} + ${rejected} + ${stale}`);

  const byCustomer = new Map<string, Sent<UsageReport>[]>();
  for (const sent of world.deltas.values()) {
    const { customerId } = sent.report.subject;
    byCustomer.set(customerId, [...(byCustomer.get(customerId) ?? []), sent]);
  }
  for (const [customerId, all] of byCustomer) {
    const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + BigInt(value), 0n);
    const of = (fate: string) => sum(all.filter((sent) => sent.fate === fate).map(({ report }) => report.value));
    const counted = sum((upstream.counted.get(`${customerId}/calls`) ?? []).map(({ value }) => value));
    const aside = (list: string) =>
      sum(
        [...state.aside.values()].flatMap((item) =>
          item.list === list &&
          "usage" in item.content &&
          item.content.usage.featureId === "calls" &&
          item.content.usage.subject.customerId === customerId
            ? [item.content.usage.value]
            : [],
        ),
      );
    const [known, perhaps] = [of("accepted"), of("unknown")];
    const [refused, marked] = [aside("rejected"), aside("in-doubt")];
    const everywhere = counted | refused | marked;
    if ((counted & refused) !== 0n || (refused & marked) !== 0n)
      faults.push(`${customerId}: counted and rejected as well: ${counted & refused}, ${refused & marked}`);
    if ((known & ~everywhere) !== 0n)
      faults.push(`${customerId}: accepted and nowhere, or counted twice: ${(known & ~everywhere).toString(2)}`);
    if ((everywhere & ~(known | perhaps)) !== 0n)
      faults.push(
        `${customerId}: never accepted and counted, or counted twice: ${(everywhere & ~(known | perhaps)).toString(2)}`,
      );
  }

  const levels = (upstream.counted.get("acme/level") ?? []).map(({ value }) => value);
  if (levels.some((level, index) => level <= (levels[index - 1] ?? 0)))
    faults.push(`levels were set out of order: ${levels.join(" ")}`);
  const doubtedLevels = [...state.aside.values()].flatMap(({ content }) =>
    "usage" in content && content.usage.featureId === "level" ? [content.usage.value] : [],
  );
  for (const { report, fate } of world.sets) {
    const times = levels.filter((level) => level === report.value).length;
    if (times > 1) faults.push(`level ${report.value} was set ${times} times`);
    if (fate === "accepted" && times === 0 && !doubtedLevels.includes(report.value))
      faults.push(`level ${report.value} was accepted and never set`);
    if (fate === "refused" && times > 0) faults.push(`level ${report.value} was refused and set`);
  }

  const asideEvents = new Set(
    [...state.aside.values()].flatMap(({ content }) => ("event" in content ? [content.event.idempotencyKey] : [])),
  );
  for (const [key, { fate }] of world.events) {
    const times = upstream.events.filter((event) => event.idempotencyKey === key).length;
    if (times > 1) faults.push(`event ${key} counts ${times} times`);
    if (fate === "accepted" && times === 0 && !asideEvents.has(key))
      faults.push(`event ${key} was accepted and is nowhere`);
    if (fate === "refused" && (times > 0 || asideEvents.has(key))) faults.push(`event ${key} was refused and counts`);
  }
  return faults;
}

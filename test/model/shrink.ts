/** What a case may do without. */
const OPTIONAL = new Set([
  "usageLimit",
  "hasUnlimitedUsage",
  "hasSoftLimit",
  "enumValues",
  "accessDeniedReason",
  "validUntil",
  "creditRate",
  "resetPeriod",
  "periodAnchor",
  "periodStart",
  "periodEnd",
  "updatedAt",
  "usage",
  "unknown",
  "meterType",
  "fallback",
  "kind",
  "requestedUsage",
  "resourceId",
]);

/**
 * The smallest case that can be found from one: items and optional members are taken away, and numbers made simple, for
 * as long as it still fails.
 */
export async function shrink<T>(testCase: T, stillFails: (smaller: T) => Promise<boolean>): Promise<T> {
  let smallest = testCase;
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const candidate of smallerThan(smallest)) {
      if (!(await stillFails(candidate as T))) continue;
      smallest = candidate as T;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

function* smallerThan(value: unknown): Iterable<unknown> {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    if (items.length > 3) yield items.slice(0, items.length >> 1);
    if (items.length > 3) yield items.slice(items.length >> 1);
    for (let index = 0; index < items.length; index++) yield items.toSpliced(index, 1);
    for (const [index, item] of items.entries())
      for (const smaller of smallerThan(item)) yield items.with(index, smaller);
  } else if (typeof value === "object" && value !== null) {
    const members = Object.entries(value);
    for (const [name] of members)
      if (OPTIONAL.has(name)) yield Object.fromEntries(members.filter(([other]) => other !== name));
    for (const [name, member] of members)
      for (const smaller of smallerThan(member)) yield { ...value, [name]: smaller };
  } else if (typeof value === "number" && value !== 0 && Math.abs(value) < 1e11) {
    for (const simpler of [0, 1, 10, Math.round(value)]) if (Math.abs(simpler) < Math.abs(value)) yield simpler;
  }
}

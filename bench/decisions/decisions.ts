import type { Benchmark, Row } from "../benchmark.js";
import type { Lab } from "../lab.js";
import { inOwnProcess } from "../memory/in-own-process.js";
import { median } from "../rounds.js";
import type { DecisionFigures, DecisionsJob } from "./cached-decisions.js";
import type { ReferenceFigures, ReferenceJob } from "./reference-client.js";

/** Of the published client: each is fetched, and more would only make its checks slower. */
const REFERENCE_CUSTOMERS = 1_000;
const REFERENCE_CHECKS = 20_000;
const OF_REFERENCE = 10;
const LONGEST_PAUSE_MS = 10;
const NANOSECONDS = 1e9;

/** Decisions in one process, without any transport: the cached state and the decision on it. */
export const DECISIONS: Benchmark = {
  name: "decisions",
  title: "Decisions in process, of customers chosen uniformly, beside the published client's cached checks",
  async measure(lab) {
    const { customers, rounds } = lab.pace;
    const reference = await referenceFigures(lab);
    const shared = await figuresOf(lab, { customers, isShared: true, rounds, isEvicting: true });
    const unlike = await figuresOf(lab, { customers, isShared: false, rounds, isEvicting: false });
    const few = await figuresOf(lab, {
      customers: Math.min(REFERENCE_CUSTOMERS, customers),
      isShared: true,
      rounds,
      isEvicting: false,
    });
    const beside = (what: string, { boolean, metered }: DecisionFigures, atLeast?: number): readonly Row[] => [
      ...rateRows(`boolean, ${what}`, boolean, reference.booleanPerSecond, atLeast),
      ...rateRows(`metered, ${what}`, metered, reference.meteredPerSecond, atLeast),
    ];
    return [
      {
        what: `published client, boolean, ${REFERENCE_CUSTOMERS.toLocaleString("en-US")} customers`,
        value: median(reference.booleanPerSecond),
        unit: "per second",
      },
      { what: "published client, metered", value: median(reference.meteredPerSecond), unit: "per second" },
      ...beside("as many customers", few, OF_REFERENCE),
      ...beside(`${customers.toLocaleString("en-US")} customers`, shared, OF_REFERENCE),
      ...beside(`${customers.toLocaleString("en-US")} customers, unlike each other`, unlike),
      { what: "changes of a usage, applied", value: rateOf(shared.usageEvent), unit: "per second" },
      {
        what: "longest eviction, processor time",
        value: median(shared.longestEvictionMs),
        unit: "ms",
        target: { atMost: LONGEST_PAUSE_MS },
      },
    ];
  },
};

function rateRows(
  what: string,
  nanoseconds: readonly number[],
  reference: readonly number[],
  atLeast: number | undefined,
): readonly Row[] {
  const value = rateOf(nanoseconds);
  return [
    { what, value, unit: "per second" },
    {
      what: "… of the published client's",
      value: value / median(reference),
      unit: "x",
      ...(atLeast === undefined ? {} : { target: { atLeast } }),
    },
  ];
}

function rateOf(nanoseconds: readonly number[]): number {
  return NANOSECONDS / median(nanoseconds);
}

function figuresOf(lab: Lab, job: DecisionsJob): Promise<DecisionFigures> {
  return inOwnProcess(lab.node, "decisions/cached-decisions.ts", "measureCachedDecisions", job);
}

function referenceFigures(lab: Lab): Promise<ReferenceFigures> {
  const { customers, rounds, isSmoke } = lab.pace;
  const job: ReferenceJob = {
    customers: Math.min(REFERENCE_CUSTOMERS, customers),
    checks: isSmoke ? 500 : REFERENCE_CHECKS,
    rounds,
  };
  return inOwnProcess(lab.node, "decisions/reference-client.ts", "measureReferenceClient", job);
}

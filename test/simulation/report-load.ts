import { CodedError } from "../../src/domain/errors.js";
import type { Random } from "../model/random.js";
import type { SimSidecar, Started } from "./fleet.js";
import type { History } from "./history.js";
import type { Oracle } from "./oracle.js";
import type { Upstream } from "./servers/upstream.js";
import type { World } from "./world/world.js";

export interface ReportTally {
  acknowledged: number;
  refused: number;
  ambiguous: number;
  notCounted: number;
  lost: number;
  doubled: number;
}

/** How long an answer may take, what its process may be held up by included. */
const REPORT_LIMIT_MS = 25_000;

export interface ReportSurroundings {
  readonly world: World;
  readonly random: Random;
  readonly history: History;
  readonly oracle: Oracle;
  readonly upstream: Upstream;
  readonly sidecars: readonly SimSidecar[];
  readonly someCustomer: () => number;
}

/** Reports of usage at random times, and whether what was said of each is true. */
export class ReportLoad {
  readonly tally: ReportTally = { acknowledged: 0, refused: 0, ambiguous: 0, notCounted: 0, lost: 0, doubled: 0 };
  readonly #in: ReportSurroundings;
  readonly #sent = new Map<string, "acknowledged" | "refused" | "ambiguous" | "not counted" | "under way">();
  #keys = 0;

  constructor(surroundings: ReportSurroundings) {
    this.#in = surroundings;
  }

  start(): void {
    this.#next();
  }

  get #nowMs(): number {
    return this.#in.world.scheduler.now / 1_000;
  }

  #next(): void {
    this.#in.world.scheduler.after(20e6 * this.#in.random.next(), undefined, () => {
      this.#next();
      const sidecar = this.#in.random.pick(this.#in.sidecars);
      const { started } = sidecar;
      if (started === undefined) return true;
      const key = `report-${++this.#keys}`;
      const value = this.#in.random.chance(0.05) ? -1 : 1;
      const customer = this.#in.someCustomer();
      this.#in.world.scheduler.after(0, started.process, () => this.#report(started, key, customer, value));
      return true;
    });
  }

  #report(started: Started, key: string, customer: number, value: number): void {
    this.#sent.set(key, "under way");
    const report = {
      subject: { customerId: this.#in.upstream.idOf(customer) },
      featureId: "calls",
      value,
      updateBehavior: "DELTA",
      dimensions: new Map(),
      timestamp: undefined,
      idempotencyKey: key,
      keyOrigin: "caller",
    } as const;
    const overdue = this.#in.world.scheduler.after((REPORT_LIMIT_MS + 30_000) * 1_000, undefined, () => {
      if (started.process.isAlive)
        this.#in.oracle.violate("every-call-ends", this.#nowMs, `${started.process.name} never answers ${key}`);
    });
    started.report
      .report(report, { deadlineAt: undefined, signal: undefined })
      .then(
        () => this.#sent.set(key, "acknowledged"),
        (error: unknown) => this.#sent.set(key, outcomeOf(error)),
      )
      .finally(() => {
        overdue.cancel();
        this.#in.history.add(this.#nowMs, started.process.name, `${key} ${this.#sent.get(key) ?? ""}`);
      });
  }

  judge(): void {
    for (const [key, outcome] of this.#sent) {
      const isCounted = this.#in.upstream.counted.has(key);
      if (outcome === "acknowledged") this.tally.acknowledged++;
      if (outcome === "refused") this.tally.refused++;
      if (outcome === "ambiguous") this.tally.ambiguous++;
      if (outcome === "not counted") this.tally.notCounted++;
      if (outcome === "acknowledged" && !isCounted) {
        this.tally.lost++;
        this.#in.oracle.violate("acknowledged-counts", this.#nowMs, `${key} was acknowledged and does not count`);
      }
      if ((outcome === "refused" || outcome === "not counted") && isCounted) {
        this.tally.doubled++;
        this.#in.oracle.violate("refused-never-counts", this.#nowMs, `${key} was ${outcome} and counts`);
      }
    }
  }
}

/** What a report's failure says of whether it counts. */
function outcomeOf(error: unknown): "refused" | "ambiguous" | "not counted" {
  if (!(error instanceof CodedError)) return "ambiguous";
  if (error.message.includes("is not known")) return "ambiguous";
  if (error.message.includes("not counted")) return "not counted";
  return [
    "invalid-argument",
    "not-found",
    "failed-precondition",
    "resource-exhausted",
    "unauthenticated",
    "permission-denied",
  ].includes(error.code)
    ? "refused"
    : "ambiguous";
}

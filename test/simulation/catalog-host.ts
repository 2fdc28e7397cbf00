import { openCatalog } from "../../src/adapters/catalog/engine/open-catalog.js";
import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import { CodedError } from "../../src/domain/errors.js";
import type { Logger } from "../../src/ports/logger.js";
import type { Random } from "../model/random.js";
import type { History } from "./history.js";
import type { Oracle } from "./oracle.js";
import { diskOf } from "./transports/disk.js";
import { SimProcess } from "./world/sim-process.js";
import { type World } from "./world/world.js";

type Engine = Awaited<ReturnType<typeof openCatalog>>;

interface Running {
  readonly process: SimProcess;
  readonly engine: Engine;
}

export interface CatalogParts {
  readonly world: World;
  readonly random: Random;
  readonly history: History;
  readonly oracle: Oracle;
}

/** What was answered to the reports of one kind of usage. */
interface Counted {
  acknowledged: number;
  /** It may count, or not. */
  ambiguous: number;
}

const HOST = "catalog";
const STATE_FILE = "/data/usage";
const SUBJECT = { customerId: "acme" };
const DAY_MS = 86_400_000;
const REPORT_EVERY = 6e6;
const FAULT_EVERY = 600e6;
const QUIET: Logger = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };

/** A sidecar that counts usage itself, in a file: its machine loses power, its disk is full or broken, its clock is set, and others want its file. */
export class CatalogHost {
  readonly #parts: CatalogParts;
  readonly #running: Running[] = [];
  /** By the month that the host's clock said. */
  readonly #monthly = new Map<string, Counted>();
  readonly #total: Counted = { acknowledged: 0, ambiguous: 0 };
  #processes = 0;
  #keys = 0;
  #isDown = false;
  #cutsPower = false;

  constructor(parts: CatalogParts) {
    this.#parts = parts;
  }

  /** @param untilMs nothing fails from then on */
  start(untilMs: number): void {
    this.#open();
    this.#report();
    this.#fail(untilMs);
  }

  /** Whether what counts is what was acknowledged, at the end. */
  async judge(): Promise<void> {
    const { world, oracle } = this.#parts;
    world.clockOffsets.delete(HOST);
    if (this.#running.length === 0) this.#open();
    await world.scheduler.runUntil(world.scheduler.now + 60e6);
    const [running] = this.#running;
    if (running === undefined) oracle.violate("the-catalog-opens", this.#nowMs, "the catalog does not open again");
    else this.#compare(running, "at the end");
  }

  get #nowMs(): number {
    return this.#parts.world.scheduler.now / 1_000;
  }

  #open(): void {
    const { world, oracle, history } = this.#parts;
    const process = new SimProcess(`${HOST}#${++this.#processes}`, HOST);
    world.scheduler.after(0, process, () => {
      openCatalog({
        source: { catalog: CATALOG },
        stateFile: STATE_FILE,
        clock: new SystemClock(),
        logger: QUIET,
      }).then(
        (engine) => {
          if (!process.isAlive) return;
          const others = this.#running.filter((each) => each.process.isAlive);
          if (others.length > 0)
            oracle.violate(
              "one-owner-of-a-file",
              this.#nowMs,
              `${process.name} serves the file of ${others[0]?.process.name ?? ""}`,
            );
          const running = { process, engine };
          this.#running.push(running);
          history.add(this.#nowMs, process.name, "opened");
          if (others.length === 0) this.#compare(running, "after a start");
        },
        (error: unknown) => {
          history.add(this.#nowMs, process.name, `refused ${error instanceof CodedError ? error.code : String(error)}`);
          const isAlone = this.#running.length === 0 && !this.#isDown && process.isAlive;
          if (isAlone && diskOf(HOST).room > 100_000 && !diskOf(HOST).failsSyncs) {
            oracle.violate("the-catalog-opens", this.#nowMs, error instanceof Error ? error.message : String(error));
          }
          process.kill();
        },
      );
    });
  }

  #report(): void {
    const { world, random } = this.#parts;
    world.scheduler.after(REPORT_EVERY * 2 * random.next(), undefined, () => {
      this.#report();
      const running = this.#running.at(-1);
      if (running !== undefined) world.scheduler.after(0, running.process, () => this.#send(running));
      return true;
    });
  }

  #send({ process, engine }: Running): void {
    const { world, history } = this.#parts;
    const key = `usage-${++this.#keys}`;
    const reports = ["calls", "monthly"].map(
      (featureId) =>
        ({
          subject: SUBJECT,
          featureId,
          value: 1,
          updateBehavior: "DELTA",
          dimensions: new Map(),
          timestamp: undefined,
          idempotencyKey: key,
          keyOrigin: "caller",
        }) as const,
    );
    const counted = this.#monthOf(world.wallClockOf(process));
    let isAnswered = false;
    // Who is not answered does not know.
    process.onEnd(() => {
      if (!isAnswered) this.#count(counted, "ambiguous");
    });
    engine.reportUsage(reports).then(
      () => {
        isAnswered = true;
        this.#count(counted, "acknowledged");
      },
      (error: unknown) => {
        isAnswered = true;
        if (!(error instanceof CodedError) || /may count|is not known/.test(error.message))
          this.#count(counted, "ambiguous");
        history.add(this.#nowMs, process.name, `${key} refused`);
      },
    );
  }

  #count(counted: Counted, as: keyof Counted): void {
    counted[as]++;
    this.#total[as]++;
  }

  #monthOf(wallClock: number): Counted {
    const month = new globalThis.Date(wallClock).toISOString().slice(0, 7);
    const known = this.#monthly.get(month) ?? { acknowledged: 0, ambiguous: 0 };
    this.#monthly.set(month, known);
    return known;
  }

  #fail(untilMs: number): void {
    const { world, random, history } = this.#parts;
    world.scheduler.after(FAULT_EVERY * 2 * random.next(), undefined, () => {
      if (this.#nowMs > untilMs) return true;
      this.#fail(untilMs);
      const kind = random.pick([
        "kill",
        "power",
        "full",
        "full-and-kill",
        "syncs",
        "clock",
        "clock",
        "second",
      ] as const);
      history.add(this.#nowMs, HOST, kind);
      this.#begin(kind);
      return true;
    });
  }

  #begin(kind: "kill" | "power" | "full" | "full-and-kill" | "syncs" | "clock" | "second"): void {
    const { world, random } = this.#parts;
    const disk = diskOf(HOST);
    const later = (after: number, run: () => void) => {
      world.scheduler.after(after, undefined, run);
    };
    const lasts = 5e6 + random.below(60e6);
    switch (kind) {
      case "kill":
      case "power":
        this.#end(kind === "power");
        break;
      case "full":
      case "full-and-kill":
        disk.room = random.below(2_000);
        later(lasts, () => {
          disk.room = Infinity;
          this.#lookSoon("after the disk was full");
          if (kind === "full-and-kill") this.#end(false);
        });
        break;
      case "syncs":
        disk.failsSyncs = true;
        later(lasts, () => {
          disk.failsSyncs = false;
          this.#lookSoon("after syncs had failed");
          if (random.chance(0.5)) this.#end(random.chance(0.5));
        });
        break;
      case "clock":
        world.clockOffsets.set(HOST, random.pick([3, -3, 40]) * DAY_MS);
        later(lasts, () => {
          world.clockOffsets.delete(HOST);
          this.#lookSoon("after the clock was set right");
        });
        break;
      case "second":
        this.#open();
        break;
    }
  }

  #end(cutsPower: boolean): void {
    const { world, random } = this.#parts;
    if (this.#isDown) return;
    this.#isDown = true;
    this.#cutsPower = cutsPower;
    // In the middle of whatever is under way.
    world.scheduler.after(random.below(5_000), undefined, () => {
      for (const { process } of this.#running.splice(0)) process.kill();
      if (this.#cutsPower) diskOf(HOST).cutPower();
      world.scheduler.after(2e6, undefined, () => {
        this.#isDown = false;
        this.#open();
      });
    });
  }

  #lookSoon(when: string): void {
    this.#parts.world.scheduler.after(1e6, undefined, () => {
      const [running] = this.#running;
      if (running !== undefined) this.#compare(running, when);
    });
  }

  #compare({ process, engine }: Running, when: string): void {
    const { world, oracle } = this.#parts;
    if (!process.isAlive || world.clockOffsets.has(HOST)) return;
    world.scheduler.after(0, process, () => {
      // What is under way is not answered yet.
      if (world.clockOffsets.has(HOST)) return true;
      const state = engine.stateOf(SUBJECT);
      const month = this.#monthOf(world.wallClockOf(process));
      for (const [featureId, { acknowledged, ambiguous }] of [
        ["calls", this.#total],
        ["monthly", month],
      ] as const) {
        const { currentUsage } = state.featureUsage(featureId);
        if (currentUsage < acknowledged)
          oracle.violate(
            "usage-is-not-lost",
            this.#nowMs,
            `${process.name} ${when}: ${currentUsage} of ${featureId}, ${acknowledged} were acknowledged`,
          );
        if (currentUsage > acknowledged + ambiguous + UNDER_WAY)
          oracle.violate(
            "refused-usage-never-counts",
            this.#nowMs,
            `${process.name} ${when}: ${currentUsage} of ${featureId}, ${acknowledged} were acknowledged and ${ambiguous} are stale`,
          );
      }
      return true;
    });
  }
}

/** At the time of a comparison a report may be under way. */
const UNDER_WAY = 1;

const CATALOG = {
  features: [
    { id: "calls", kind: "metered" as const },
    { id: "monthly", kind: "metered" as const },
  ],
  plans: [
    {
      id: "plan",
      entitlements: {
        calls: { limit: 1e9 },
        monthly: { limit: 1e9, resetPeriod: "MONTH" as const, resetAnchor: "StartOfTheMonth" as const },
      },
    },
  ],
  customers: [{ id: "acme", plan: "plan" }],
};

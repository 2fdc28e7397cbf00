import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { loadKernelLock } from "../../adapters/files/kernel-lock.js";
import { keepDropped, OperatorRequests } from "../../adapters/outbox/operator-requests.js";
import { DirectoryDisk, makeDirectory } from "../../adapters/outbox/outbox-disk.js";
import { OUTBOX_DEFAULTS, SegmentedOutbox } from "../../adapters/outbox/segmented-outbox.js";
import { DELIVERY_LIMITS, type DeliveryLimits } from "../../application/report/delivery-pace.js";
import { operateOutbox } from "../../application/report/operate-outbox.js";
import { CodedError } from "../../domain/errors.js";
import type { AsideItem } from "../../domain/outbox/outbox-record.js";
import type { CancelTimer } from "../../ports/clock.js";
import type { Outbox } from "../../ports/outbox.js";
import { DependencyState } from "../../ports/telemetry.js";
import type { Config } from "../config/settings/settings.js";
import { StartError } from "../process/start-error.js";
import type { Services } from "../source/source.js";

/** How often it is looked whether its files are as they were written. */
const VERIFY_EVERY_MS = 1_000;

/** An outbox that this process has. */
export interface OpenedOutbox {
  readonly outbox: Outbox;
  readonly directory: string;
  readonly limits: DeliveryLimits;
  /** What operators ask for beside the running process. */
  readonly requests: OperatorRequests;
  close(): Promise<void>;
}

/**
 * Opens the outbox where one is configured.
 *
 * @throws StartError where another process has it, or its directory cannot be used
 */
export function openOutbox(config: Config, services: Services): OpenedOutbox | undefined {
  const { usageOutboxDir: directory } = config;
  if (directory === undefined || config.offline) return undefined;
  const lock = lockOutbox(directory);
  try {
    const { usageDurability: durability, usageOutboxMaxBytes: maxBytes } = config;
    const outbox = new SegmentedOutbox(
      new DirectoryDisk(directory),
      { ...OUTBOX_DEFAULTS, durability, maxBytes, isLocked: () => lock.isHeld() },
      services.clock,
      services.logger,
      new DependencyState("outbox", services.telemetry.dependencies),
    );
    const { clock, logger } = services;
    let stopVerifying: CancelTimer = () => undefined;
    const verify = () => {
      stopVerifying = clock.after(VERIFY_EVERY_MS, () => void outbox.verify().then(verify));
    };
    verify();
    const keep = (item: AsideItem, reason: string) => keepDropped(directory, item, reason, clock.now());
    return {
      outbox,
      directory,
      requests: new OperatorRequests(directory, clock, logger, (request) =>
        operateOutbox(request, outbox, clock, logger, keep),
      ),
      limits: {
        ...DELIVERY_LIMITS,
        reportsPerMinute: config.usageReportsPerMinute,
        bulksPerMinute: config.usageBulksPerMinute,
        eventsPerSecond: config.usageEventsPerSecond,
        deduplicationMs: config.usageDeduplicationMs,
      },
      close: async () => {
        await outbox.close();
        stopVerifying();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw unusable(directory, error);
  }
}

/** The file of an outbox by which one process has it. */
export const OUTBOX_LOCK = "lock";

/** The right to be the only process that writes to an outbox. */
export interface OutboxLock {
  /**
   * Whether this process still has it: the directory may have been emptied or made anew meanwhile, and another process come.
   *
   * @throws Error the system's own, where the directory is gone
   */
  isHeld(): boolean;
  release(): void;
}

/**
 * Has this process be the only one that writes to an outbox.
 *
 * @throws StartError where another process has it, or the directory cannot be used
 */
export function lockOutbox(directory: string): OutboxLock {
  const path = join(directory, OUTBOX_LOCK);
  let file: number;
  try {
    makeDirectory(directory);
    file = openSync(path, "a+", 0o600);
  } catch (error) {
    throw unusable(directory, error);
  }
  const outcome = loadKernelLock()(file);
  if (outcome === "acquired") return new HeldLock(path, file);
  closeSync(file);
  throw new StartError(
    outcome === "taken"
      ? `USAGE_OUTBOX_DIR: another process has the outbox ${directory}; give each sidecar a directory of its own`
      : `USAGE_OUTBOX_DIR: the file system of ${directory} keeps no locks, so that two processes could have the outbox at the same time; use a local disk`,
  );
}

class HeldLock implements OutboxLock {
  readonly #path: string;
  #file: number;

  constructor(path: string, file: number) {
    this.#path = path;
    this.#file = file;
  }

  isHeld(): boolean {
    const own = fstatSync(this.#file);
    const there = statSync(this.#path, { throwIfNoEntry: false });
    if (there?.ino === own.ino && there.dev === own.dev) return true;
    const next = openSync(this.#path, "a+", 0o600);
    if (loadKernelLock()(next) !== "acquired") {
      closeSync(next);
      return false;
    }
    closeSync(this.#file);
    this.#file = next;
    return true;
  }

  release(): void {
    closeSync(this.#file);
  }
}

function unusable(directory: string, error: unknown): StartError {
  const { message } = error as Error;
  return new StartError(
    `USAGE_OUTBOX_DIR: ${error instanceof CodedError ? message : `${directory} cannot be used (${message}); it has to be a directory that can be written to`}`,
    { cause: error },
  );
}

import type { Change } from "../../src/domain/change.js";
import type { UpdateListener } from "../../src/ports/change-sources.js";

/** Keeps what an update stream tells, for a test to read and to wait for. */
export class RecordingListener implements UpdateListener {
  /** "connected", "disconnected", and the types of changes, in order. */
  readonly received: string[] = [];
  readonly changes: Change[] = [];
  readonly #waiting = new Set<() => void>();

  connected(): void {
    this.#tell("connected");
  }

  changed(change: Change): void {
    this.changes.push(change);
    this.#tell(change.type);
  }

  disconnected(): void {
    this.#tell("disconnected");
  }

  /** Resolves once something was told that many times. */
  until(what: string, times = 1): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (this.received.filter((received) => received === what).length < times) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  #tell(what: string): void {
    this.received.push(what);
    for (const check of [...this.#waiting]) check();
  }
}

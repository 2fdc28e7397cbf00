/** Whether checks can be answered. Ready is latched: only the end of the process takes it back. */
export class Readiness {
  #phase: "starting" | "ready" | "draining" = "starting";
  readonly #listeners = new Set<() => void>();

  get phase(): "starting" | "ready" | "draining" {
    return this.#phase;
  }

  get isReady(): boolean {
    return this.#phase === "ready";
  }

  /** From here on checks can be answered, whatever happens upstream. */
  ready(): void {
    if (this.#phase === "starting") this.#enter("ready");
  }

  /** From here on callers should go elsewhere; checks are still answered. */
  drain(): void {
    if (this.#phase !== "draining") this.#enter("draining");
  }

  /** Calls back at each change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #enter(phase: "ready" | "draining"): void {
    this.#phase = phase;
    for (const listener of this.#listeners) listener();
  }
}

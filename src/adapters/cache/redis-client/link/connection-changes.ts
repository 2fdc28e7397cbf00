/** Tells of each change of whether there is a connection, once. */
export class ConnectionChanges {
  readonly #listeners = new Set<(isConnected: boolean) => void>();
  #isConnected = false;

  get isConnected(): boolean {
    return this.#isConnected;
  }

  onChange(listener: (isConnected: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  set(isConnected: boolean): void {
    if (isConnected === this.#isConnected) return;
    this.#isConnected = isConnected;
    for (const listener of [...this.#listeners]) listener(isConnected);
  }
}

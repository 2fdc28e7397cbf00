import type { CatalogInput } from "../../../adapters/catalog/file/catalog-input.js";
import type { FaultRule } from "../../../adapters/emulator/faults/fault-rules.js";

/** The emulator cannot be reached, or refuses a command: the implementation is not judged. */
export class ControlError extends Error {}

interface Stats {
  readonly reports: number;
  readonly subscriptions: Readonly<Record<string, number>>;
}

/** An emulator that was started with --control. */
export class EmulatorControl {
  readonly #base: string;

  /** @param baseUrl of the emulator, without a slash at its end */
  constructor(baseUrl: string) {
    this.#base = `${baseUrl}/emulator`;
  }

  async serve(catalog: CatalogInput): Promise<void> {
    await this.#call("PUT", "catalog", JSON.stringify(catalog));
  }

  /** From its file again, without faults. */
  async restore(): Promise<void> {
    await this.clear();
    await this.#call("DELETE", "catalog");
  }

  async inject(rule: FaultRule): Promise<void> {
    await this.#call("POST", "faults", JSON.stringify(rule));
  }

  async lagEdge(): Promise<void> {
    await this.#call("POST", "edge-lag");
  }

  async clear(): Promise<void> {
    await this.#call("DELETE", "faults");
  }

  async stats(): Promise<Stats> {
    return (await this.#call("GET", "stats")) as Stats;
  }

  async #call(method: string, path: string, body?: string): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(`${this.#base}/${path}`, { method, ...(body === undefined ? {} : { body }) });
    } catch (error) {
      const { cause } = error as { readonly cause?: { readonly message?: string } };
      throw new ControlError(`no emulator answers at ${this.#base} (${cause?.message ?? String(error)})`);
    }
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as unknown;
    throw new ControlError(
      `${method} ${this.#base}/${path} answers ${response.status}: ${text.slice(0, 500)}; start it with --control`,
    );
  }
}

import type { IncomingHttpHeaders } from "node:http";

const HEADER = "x-api-key";

/** Which API keys are valid: one, or with undefined any. */
export class ApiKeyCheck {
  readonly #valid: string | undefined;

  constructor(valid: string | undefined) {
    this.#valid = valid;
  }

  allowsRequest(headers: IncomingHttpHeaders): boolean {
    return this.#allows(headers[HEADER]);
  }

  /** @param params payload of connection_init: {"headers": {"X-API-KEY": …}}, with header names in any case */
  allowsConnection(params: Readonly<Record<string, unknown>> | undefined): boolean {
    const headers = params?.["headers"];
    if (typeof headers !== "object" || headers === null) return this.#allows(undefined);
    const entry = Object.entries(headers).find(([name]) => name.toLowerCase() === HEADER);
    return this.#allows(entry?.[1]);
  }

  #allows(given: unknown): boolean {
    return this.#valid === undefined || given === this.#valid;
  }
}

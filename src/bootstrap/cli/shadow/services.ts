import { readFileSync } from "node:fs";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { UsageError } from "../usage-error.js";

/** Options of every command that asks a service by gRPC. */
export const TLS_OPTIONS = { ca: { type: "string" }, insecure: { type: "boolean" } } as const;

export interface TlsOptions {
  readonly ca?: string | undefined;
  readonly insecure?: boolean | undefined;
}

/**
 * Asks by gRPC.
 *
 * @param address host:port, or a URL
 * @throws UsageError that names the option
 */
export function transportTo(option: string, address: string, { ca, insecure }: TlsOptions): Transport {
  const text = address.includes("://") ? address : `http://${address}`;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new UsageError(`${option} must be host:port or a URL, not ${JSON.stringify(address)}`);
  if (ca !== undefined && insecure === true)
    throw new UsageError("--ca and --insecure exclude each other: remove one of them");
  return createGrpcTransport({
    baseUrl: text.replace(/\/+$/, ""),
    nodeOptions: insecure === true ? { rejectUnauthorized: false } : ca === undefined ? {} : { ca: fileOf(ca) },
  });
}

function fileOf(ca: string): Buffer {
  try {
    return readFileSync(ca);
  } catch (error) {
    throw new UsageError(`--ca: ${ca} cannot be read: ${(error as Error).message}`);
  }
}

const UNITS_MS: Readonly<Partial<Record<string, number>>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** "500ms", "90s", "10m", "2h", or a number of milliseconds. @throws UsageError that names the option */
export function durationOf(option: string, text: string): number {
  const [, amount, unit = "ms"] = /^(\d+)(ms|s|m|h)?$/.exec(text) ?? [];
  if (amount === undefined)
    throw new UsageError(`${option} must be a time such as 500ms, 90s or 10m, not ${JSON.stringify(text)}`);
  return Number(amount) * (UNITS_MS[unit] as number);
}

/** @throws UsageError that names the option */
export function countOf(option: string, text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count === 0) throw new UsageError(`${option} must be a whole number above 0, not ${JSON.stringify(text)}`);
  return count;
}

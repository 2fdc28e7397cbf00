import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { plainGrpcTransport } from "../../../adapters/rpc/shadow/plain-grpc-transport.js";
import { UsageError } from "../parse-command-line.js";
import { baseUrlOf, type TlsOptions, tlsOptions } from "../service-options.js";

/**
 * Asks by gRPC.
 *
 * @param address host:port, or a URL
 * @throws UsageError that names the option
 */
export function transportTo(option: string, address: string, tls: TlsOptions): Transport {
  return createGrpcTransport({ baseUrl: baseUrlOf(option, address), nodeOptions: tlsOptions(tls) });
}

/** The same at a third of the cost, for all that callers ask. @throws UsageError that names the option */
export function relayTransportTo(option: string, address: string, tls: TlsOptions): Transport {
  return plainGrpcTransport(baseUrlOf(option, address), tlsOptions(tls));
}

/** @throws UsageError that names the option */
export function countOf(option: string, text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count === 0) throw new UsageError(`${option} must be a whole number above 0, not ${JSON.stringify(text)}`);
  return count;
}

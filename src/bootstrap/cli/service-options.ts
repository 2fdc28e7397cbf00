import { X509Certificate } from "node:crypto";
import { readOnceNow } from "../../adapters/files/open-to-read.js";
import { integer } from "../config/settings/parsers.js";
import { UsageError } from "./parse-command-line.js";

/** Options of every command that asks a service which may have a certificate. */
export const TLS_OPTIONS = { ca: { type: "string" }, insecure: { type: "boolean" } } as const;

export interface TlsOptions {
  readonly ca?: string | undefined;
  readonly insecure?: boolean | undefined;
}

/**
 * The URL of a service, without a slash at its end.
 *
 * @param address host:port, or a URL
 * @throws UsageError that names the option
 */
export function baseUrlOf(option: string, address: string): string {
  const text = address.includes("://") ? address : `http://${address}`;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new UsageError(`${option} must be host:port or a URL, not ${JSON.stringify(address)}`);
  return text.replace(/\/+$/, "");
}

/** Whom to believe that it is the service, where it is asked by https. @throws UsageError */
export function tlsOptions({ ca, insecure }: TlsOptions): {
  readonly ca?: Buffer;
  readonly rejectUnauthorized?: boolean;
} {
  if (ca !== undefined && insecure === true)
    throw new UsageError("--ca and --insecure exclude each other: remove one of them");
  if (insecure === true) return { rejectUnauthorized: false };
  if (ca === undefined) return {};
  const pem = readAuthorities(ca);
  try {
    for (const [certificate] of pem.toString("latin1").matchAll(CERTIFICATE)) new X509Certificate(certificate);
  } catch (error) {
    throw new UsageError(
      `--ca: a certificate in ${ca} is damaged (${(error as Error).message}): copy it again from where it was issued`,
    );
  }
  return { ca: pem };
}

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*(?:-----END [A-Z0-9 ]*CERTIFICATE-----|$)/g;

function readAuthorities(file: string): Buffer {
  let pem: Buffer;
  try {
    pem = readOnceNow(file);
  } catch (error) {
    throw new UsageError(
      `--ca: ${file} cannot be read: ${(error as Error).message}; correct the path or its permissions`,
    );
  }
  if (pem.toString("latin1").match(CERTIFICATE) !== null) return pem;
  const isKey = pem.includes("PRIVATE KEY-----");
  throw new UsageError(
    `--ca: ${file} has no certificate in PEM (-----BEGIN CERTIFICATE-----)${isKey ? ", but a private key: name the certificate of the authority" : "; of a DER file: openssl x509 -inform der -in <file> -out <file.pem>"}`,
  );
}

/** Milliseconds of "500ms", "90s", "10m", or of a number of them. @throws UsageError that names the option */
export function durationOf(
  option: string,
  text: string,
  range: { readonly min: number; readonly max?: number },
): number {
  const parser = integer({ ...range, unit: "milliseconds" });
  const parsed = parser.parse(text.trim());
  if (!parsed.ok) throw new UsageError(`${option} must be ${parser.allowed}, not ${JSON.stringify(text)}`);
  return parsed.value;
}

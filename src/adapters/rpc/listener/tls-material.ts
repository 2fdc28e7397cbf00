import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { CodedError } from "../../../domain/errors.js";
import { readOnce } from "../../files/open-to-read.js";

export interface TlsFiles {
  /** The server's certificate, and after it those of the authorities between it and the root. PEM. */
  readonly certFile: string;
  /** The certificate's private key, not encrypted. PEM. */
  readonly keyFile: string;
  /** The authorities whose clients are let in; without it no client certificate is asked for. PEM. */
  readonly clientCaFile?: string | undefined;
}

/** What the files hold, checked: a key that fits its certificate, authorities that can be read. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
  /** Epoch milliseconds at which the certificate expires, or has expired. */
  readonly expiresAt: number;
}

/** The setting that names a file. */
type TlsSetting = "TLS_CERT_FILE" | "TLS_KEY_FILE" | "TLS_CLIENT_CA_FILE";

/** What is wrong with one of the files, and the remedy. */
export class TlsFileFault extends CodedError {
  readonly setting: TlsSetting;

  constructor({ setting, name }: TlsFile, fault: string, cause?: unknown) {
    super("invalid-argument", `${name} ${fault}`, { cause });
    this.setting = setting;
  }
}

interface TlsFile {
  readonly setting: TlsSetting;
  /** As messages name it. */
  readonly name: string;
}

function named(what: string, path: string, setting: TlsSetting): TlsFile {
  return { setting, name: `${what} ${path} (${setting})` };
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** @throws TlsFileFault names the file, what is wrong with it, and the remedy */
export async function readTlsMaterial(files: TlsFiles): Promise<TlsMaterial> {
  const certFile = named("the TLS certificate", files.certFile, "TLS_CERT_FILE");
  const keyFile = named("the TLS key", files.keyFile, "TLS_KEY_FILE");
  const caFile = named("the client certificate authorities", files.clientCaFile ?? "", "TLS_CLIENT_CA_FILE");
  const cert = await readPem(files.certFile, certFile);
  const key = await readPem(files.keyFile, keyFile);
  const ca = files.clientCaFile === undefined ? undefined : await readPem(files.clientCaFile, caFile);

  const certificate = parseCertificates(cert, certFile);
  if (!certificate.checkPrivateKey(parseKey(key, keyFile)))
    throw new TlsFileFault(keyFile, `does not belong to ${certFile.name}: give the two that were made together`);
  if (ca !== undefined) parseCertificates(ca, caFile);
  try {
    createSecureContext({ cert, key, ca });
  } catch (cause) {
    throw new TlsFileFault(certFile, `cannot serve (${reasonOf(cause)}): give one that OpenSSL accepts`, cause);
  }
  return { cert, key, ca, expiresAt: Date.parse(certificate.validTo) };
}

async function readPem(path: string, file: TlsFile): Promise<string> {
  try {
    return (await readOnce(path)).toString("latin1");
  } catch (cause) {
    throw new TlsFileFault(file, `cannot be read (${reasonOf(cause)}): name a file that this process may read`, cause);
  }
}

/** The first of the certificates, once all of them can be parsed. */
function parseCertificates(pem: string, file: TlsFile): X509Certificate {
  try {
    const [first] = (pem.match(CERTIFICATE) ?? []).map((block) => new X509Certificate(block));
    if (first !== undefined) return first;
  } catch (cause) {
    throw new TlsFileFault(file, `holds a damaged certificate (${reasonOf(cause)}): write it anew`, cause);
  }
  throw new TlsFileFault(file, "holds no certificate: give PEM, with BEGIN CERTIFICATE");
}

function parseKey(pem: string, file: TlsFile): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new TlsFileFault(file, `holds no usable private key (${reasonOf(cause)}): give PEM, not encrypted`, cause);
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

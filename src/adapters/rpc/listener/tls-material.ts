import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";
import { createSecureContext } from "node:tls";
import { CodedError } from "../../../domain/errors.js";
import { type Logger, OutageLog } from "../../../ports/logger.js";
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
async function readTlsMaterial(files: TlsFiles): Promise<TlsMaterial> {
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

interface FollowTlsFilesOptions {
  readonly files: TlsFiles;
  /** Takes new material into use; called with the first, and whenever a change holds good. */
  readonly apply: (material: TlsMaterial) => void;
  readonly logger: Logger;
  /** Milliseconds without a change after which the files are taken as written. */
  readonly settleMs?: number;
  /** Milliseconds between looks without a notice: some file systems, and directories replaced as a whole, give none. */
  readonly pollMs?: number;
}

/** Keeps a listener's certificate in step with its files. What cannot serve is logged, and the last that could stays. */
export class FollowTlsFiles {
  readonly #options: FollowTlsFilesOptions;
  readonly #watchers: FSWatcher[] = [];
  #current: TlsMaterial | undefined;
  readonly #outage: OutageLog;
  #settling: NodeJS.Timeout | undefined;
  #polling: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: FollowTlsFilesOptions) {
    this.#options = options;
    this.#outage = new OutageLog(options.logger);
  }

  /** @throws CodedError `invalid-argument` when the files cannot serve as they are now */
  async start(): Promise<void> {
    // Before the first look, so that no change falls between the two.
    this.#watch();
    try {
      this.#use(await readTlsMaterial(this.#options.files));
    } catch (error) {
      this.stop();
      throw error;
    }
    if (!this.#stopped) this.#polling = setInterval(this.#look, this.#options.pollMs ?? 60_000).unref();
  }

  stop(): void {
    this.#stopped = true;
    for (const watcher of this.#watchers) watcher.close();
    clearTimeout(this.#settling);
    clearInterval(this.#polling);
  }

  /** The directories, not the files: a rename or a symbolic link's new target leaves a watched file behind. */
  #watch(): void {
    const { files, logger, settleMs = 100 } = this.#options;
    const paths = [files.certFile, files.keyFile, ...(files.clientCaFile === undefined ? [] : [files.clientCaFile])];
    const changed = () => {
      clearTimeout(this.#settling);
      if (!this.#stopped) this.#settling = setTimeout(this.#look, settleMs).unref();
    };
    for (const directory of new Set(paths.map((path) => dirname(path)))) {
      const unwatched = (error: unknown) =>
        logger.warn("a TLS directory cannot be watched: its changes are seen with a delay", { directory, error });
      try {
        this.#watchers.push(watch(directory, { persistent: false }, changed).on("error", unwatched));
      } catch (error) {
        unwatched(error);
      }
    }
  }

  readonly #look = (): void => {
    readTlsMaterial(this.#options.files)
      .then((material) => {
        if (!this.#stopped) this.#use(material);
      })
      .catch((error: unknown) => this.#complain(error));
  };

  #use(material: TlsMaterial): void {
    const { apply, logger } = this.#options;
    if (this.#current !== undefined && isSame(this.#current, material)) {
      if (this.#outage.isLost) this.#outage.recovered("the TLS files can serve again, and are those in use");
      return;
    }
    const message = this.#current === undefined ? "TLS certificate loaded" : "TLS certificate reloaded";
    apply(material);
    this.#current = material;
    this.#outage.recovered(message, { expiresAt: new Date(material.expiresAt).toISOString() });
    if (material.expiresAt <= Date.now()) logger.warn("the TLS certificate has expired: clients will refuse it");
  }

  /** Once a problem, however often it is met. */
  #complain(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (this.#stopped) return;
    this.#outage.lost(
      "error",
      "the new TLS files cannot serve: the last good certificate stays in use",
      { error },
      problem,
    );
  }
}

function isSame(one: TlsMaterial, other: TlsMaterial): boolean {
  return one.cert === other.cert && one.key === other.key && one.ca === other.ca;
}

import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";
import type { Logger } from "../../../ports/logger.js";
import { OutageLog } from "../../../ports/outage-log.js";
import { readTlsMaterial, type TlsFiles, type TlsMaterial } from "./tls-material.js";

export interface FollowTlsFilesOptions {
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

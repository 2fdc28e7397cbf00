import type { FileAccess, FileContent, FileEvent, FileLook } from "../../src/adapters/files/file-access.js";

/** One file of a file system that reports its changes, or does not, as a test wants it. */
export class FakeFile implements FileAccess {
  readonly #reportsChanges: boolean;
  readonly #watchers = new Set<(event: FileEvent) => void>();
  #bytes: Buffer | undefined;
  #version = 0;
  /** Epoch milliseconds. */
  writtenAt = 0;
  /** Called once, when it was read and found to be still the same. */
  onRead: (() => void) | undefined;

  constructor(text: string, reportsChanges = true) {
    this.#bytes = Buffer.from(text);
    this.#reportsChanges = reportsChanges;
  }

  get content(): FileContent {
    return contentOf(this.#bytes ?? Buffer.alloc(0));
  }

  truncate(): void {
    this.#become(Buffer.alloc(0), "written");
  }

  append(bytes: Buffer): void {
    this.#become(Buffer.concat([this.#bytes ?? Buffer.alloc(0), bytes]), "written");
  }

  /** A rename of another file to this name, and the swap of a link on the way to it. */
  replace(bytes: Buffer): void {
    this.#become(bytes, "replaced");
  }

  remove(): void {
    this.#become(undefined, "replaced");
  }

  /** Changes bytes as a system does whose attributes are cached: nothing but a read shows it. */
  changeUnseen(text: string): void {
    this.#bytes = Buffer.from(text);
  }

  look(): Promise<FileLook> {
    return Promise.resolve({ version: String(this.#version), writtenAt: this.writtenAt });
  }

  read(): Promise<FileContent> {
    return this.#bytes === undefined
      ? Promise.reject(new Error("ENOENT: no such file"))
      : Promise.resolve(contentOf(this.#bytes));
  }

  isStill(_file: string, { bytes }: FileContent): Promise<boolean> {
    const isStill = this.#bytes?.equals(bytes) ?? false;
    const { onRead } = this;
    this.onRead = undefined;
    onRead?.();
    return Promise.resolve(isStill);
  }

  watch(_file: string, changed: (event: FileEvent) => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  #become(bytes: Buffer | undefined, event: FileEvent): void {
    this.#bytes = bytes;
    this.#version++;
    if (this.#reportsChanges) for (const changed of this.#watchers) changed(event);
  }
}

function contentOf(bytes: Buffer): FileContent {
  return { bytes, digest: bytes.toString("latin1") };
}

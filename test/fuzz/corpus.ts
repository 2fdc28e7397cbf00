import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Inputs kept in the repository, in hexadecimal: a folder for each target, a file for each input. */
export class Corpus {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** By the names of their files; none where the target has no folder. */
  async of(target: string): Promise<ReadonlyMap<string, Uint8Array>> {
    const inputs = new Map<string, Uint8Array>();
    for (const file of await this.#filesOf(target)) {
      const text = await readFile(join(this.#directory, target, file), "utf8");
      inputs.set(file, Buffer.from(text.replace(/\s/g, ""), "hex"));
    }
    return inputs;
  }

  /** @returns the path of the new file */
  async add(target: string, input: Uint8Array): Promise<string> {
    const directory = join(this.#directory, target);
    await mkdir(directory, { recursive: true });
    const path = join(directory, `${createHash("sha256").update(input).digest("hex").slice(0, 12)}.hex`);
    await writeFile(path, `${Buffer.from(input).toString("hex")}\n`);
    return path;
  }

  async #filesOf(target: string): Promise<readonly string[]> {
    try {
      return (await readdir(join(this.#directory, target))).filter((file) => file.endsWith(".hex")).sort();
    } catch {
      return [];
    }
  }
}

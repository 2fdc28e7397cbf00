import type { Stats } from "node:fs";
import { lstat, readlink, realpath } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";

/** More than systems follow. */
const MAX_LINKS = 40;

/**
 * Where a file lies that is going to be replaced by a rename: behind the links that lead to it, so that the rename
 * replaces the file, and neither a link nor a device. The file need not be there yet.
 *
 * @throws Error where something else than a file is there, links lead in circles, or it cannot be looked at
 */
export async function placeOfFile(path: string): Promise<string> {
  let place = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const found = await lstatIfThere(place);
    if (found === undefined || found.isFile()) return place;
    if (!found.isSymbolicLink()) throw new Error(`${place} is ${kindOf(found)}, and not a file`);
    // A link is relative to where it lies itself, which links of folders may lead to.
    const target = await readlink(place);
    place = resolve(await realpath(dirname(place)), target);
  }
  throw new Error(`${basename(path)} is a link that leads back to itself`);
}

async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** What is there in place of a file. */
export function kindOf(found: Stats): string {
  if (found.isDirectory()) return "a directory";
  if (found.isFIFO()) return "a pipe";
  return found.isSocket() ? "a socket" : "a device";
}

import { readFileSync, statSync } from "node:fs";

/** Far more than any key, password or bundle of authorities. */
const MAX_BYTES = 1024 * 1024;

/**
 * The value that a file holds, as orchestrators mount secrets: the last line break does not count, nor the mark that editors of
 * Windows put first.
 *
 * @throws Error that says why it cannot be read. A pipe or a device is refused: to read it could last for ever, and no signal would
 *   be heard meanwhile
 */
export function readSettingFile(file: string): string {
  const found = statSync(file);
  if (!found.isFile()) throw new Error(found.isDirectory() ? "it is a folder" : "it is a pipe or a device, not a file");
  if (found.size > MAX_BYTES) throw new Error(`it has ${found.size} bytes, more than any value has`);
  return readFileSync(file, "utf8")
    .replace(/^\ufeff/, "")
    .replace(/\r?\n$/, "");
}

import { readFileNow, readOnceNow } from "../../../adapters/files/open-to-read.js";

/** Far more than any key, password or bundle of authorities. */
const MAX_BYTES = 1024 * 1024;

/**
 * The value that a file holds, as orchestrators mount secrets: the last line break does not count, nor the mark that editors of
 * Windows put first.
 *
 * @throws Error that says why it cannot be read, also where it is a pipe or a device
 */
export function readSettingFile(file: string): string {
  return valueIn(readFileNow(file));
}

/** The same at the start, where it may be a pipe as well, which a shell makes of a command. */
export function readSettingFileOnce(file: string): string {
  return valueIn(readOnceNow(file));
}

function valueIn(content: Buffer): string {
  if (content.length > MAX_BYTES) throw new Error(`it has ${content.length} bytes, more than any value has`);
  return content
    .toString("utf8")
    .replace(/^\ufeff/, "")
    .replace(/\r?\n$/, "");
}

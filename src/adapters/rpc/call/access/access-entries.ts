import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from "yaml";
import { CodedError } from "../../../../domain/errors.js";
import type { Clock } from "../../../../ports/clock.js";
import type { Logger } from "../../../../ports/logger.js";
import { LastGoodFile } from "../../../files/last-good-file.js";
import { quoted } from "../../service/request-reader.js";
import { METHOD_GROUPS, type MethodGroup } from "../served-method.js";

/** Who may call, and which methods. */
export interface AccessEntry {
  readonly name: string;
  /** SHA-256 of its token; undefined where it is known by its certificate. */
  readonly tokenHash: Buffer | undefined;
  /** The common name of its client certificate; undefined where it is known by its token. */
  readonly certificate: string | undefined;
  readonly groups: ReadonlySet<MethodGroup>;
}

export type AccessFile = LastGoodFile<readonly AccessEntry[]>;

/** Some thousand entries; what is larger is another file. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_FAULTS_SHOWN = 10;
const ALL: ReadonlySet<MethodGroup> = new Set(METHOD_GROUPS);
const KEYS: readonly string[] = ["name", "sha256", "certificate", "groups"];
const KEY = /^[a-z_]{1,16}$/i;
const SHA256 = /^[\da-f]{64}$/i;
const NAME = /^[^\p{Cc}]{1,200}$/u;
const HASH_REMEDY = 'write the SHA-256 of the token in 64 hexadecimal digits: printf %s "$TOKEN" | sha256sum';
const GROUPS_REMEDY = `write all, or a list of ${METHOD_GROUPS.join(", ")}`;
/** What the hash of an empty variable is. */
const HASH_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/**
 * The entries of a file that is followed.
 *
 * @throws CodedError `invalid-argument` where it cannot be read or has a fault, with its line and remedy
 */
export function openAccessFile(file: string, clock: Clock, logger: Logger): Promise<AccessFile> {
  return LastGoodFile.open({
    file,
    words: {
      called: "the file of tokens",
      meanwhile: "the last good entries stay in use",
      changed: "the file of tokens changed",
    },
    read: readAccessEntries,
    describe: ({ length }) => ({ entries: length }),
    clock,
    logger,
  });
}

/**
 * Reads a list of entries in YAML or JSON. No message repeats a value but names of entries, keys and groups: a token may have been
 * written where its hash belongs.
 *
 * @param file named in messages
 * @throws CodedError `invalid-argument` with every fault, its line and remedy
 */
export function readAccessEntries(file: string, bytes: Buffer): readonly AccessEntry[] {
  if (bytes.length > MAX_BYTES)
    throw faulty(file, [`it has ${bytes.length} bytes, more than ${MAX_BYTES}: remove entries that nobody uses`]);
  const lines = new LineCounter();
  let root: Node | null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // All scalars are texts: a hash of digits, or with one e among them, is no number.
    const document = parseDocument(text, {
      schema: "failsafe",
      lineCounter: lines,
      prettyErrors: false,
      logLevel: "error",
    });
    const [error] = document.errors;
    if (error !== undefined)
      throw faulty(file, [
        `line ${lines.linePos(error.pos[0]).line}: this is neither YAML nor JSON (${error.code}): correct it`,
      ]);
    root = document.contents;
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw faulty(file, ["it is not text in UTF-8, or nested too deeply: save a list of entries as UTF-8"]);
  }
  if (!isSeq(root))
    throw faulty(file, ["it holds no list: write a list of entries with name, sha256 (or certificate) and groups"]);
  if (root.items.length === 0)
    throw faulty(file, ["the list is empty, so that nobody could call: add an entry, or do not set AUTH_TOKENS_FILE"]);
  return new EntryReader(file, lines).read(root.items);
}

class EntryReader {
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #faults: string[] = [];
  /** Who has a name, a hash or a certificate already, by its number. */
  readonly #taken = new Map<string, number>();
  #where = "";
  #number = 0;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  read(items: readonly unknown[]): readonly AccessEntry[] {
    const entries = items.map((item, index) => {
      const at = (item as Node | null)?.range?.[0];
      this.#number = index + 1;
      this.#where = `${at === undefined ? "" : `line ${this.#lines.linePos(at).line}, `}entry ${this.#number}`;
      if (isMap(item)) return this.#entry(item);
      this.#fault("it is not a mapping: write name, sha256 (or certificate) and groups");
      return undefined;
    });
    if (this.#faults.length > 0) throw faulty(this.#file, this.#faults);
    return entries.filter((entry) => entry !== undefined);
  }

  #entry(map: YAMLMap): AccessEntry | undefined {
    const keys = map.items.map(({ key }) => (isScalar(key) ? String(key.value) : ""));
    const unknown = keys.find((key) => !KEYS.includes(key));
    // In brackets without quotes a token would be a key.
    if (unknown !== undefined)
      this.#fault(`it has the unknown key ${KEY.test(unknown) ? unknown : "(hidden)"}: there are ${KEYS.join(", ")}`);
    const name = textAt(map, "name");
    const hash = textAt(map, "sha256");
    const certificate = textAt(map, "certificate");
    if (name === undefined || !NAME.test(name))
      this.#fault("its name is missing or none: write 1 to 200 characters that say whose it is");
    else this.#unique("name", name, `the name ${quoted(name)}`);
    if (keys.includes("sha256") === keys.includes("certificate")) {
      this.#fault(
        "it needs either sha256 (of a token) or certificate (the common name of a client certificate): write one of the two",
      );
    } else if (keys.includes("sha256")) this.#checkHash(hash);
    else if (certificate === undefined || certificate === "")
      this.#fault("its certificate is none: write the common name (CN) in the subject of a client certificate");
    else this.#unique("certificate", certificate, "the certificate");
    const groups = this.#groups(map);
    if (name === undefined || groups === undefined) return undefined;
    return { name, tokenHash: hash === undefined ? undefined : Buffer.from(hash, "hex"), certificate, groups };
  }

  #checkHash(hash: string | undefined): void {
    if (hash === undefined || !SHA256.test(hash)) this.#fault(`its sha256 is none: ${HASH_REMEDY}`);
    else if (hash.toLowerCase() === HASH_OF_NOTHING)
      this.#fault(`its sha256 is that of an empty token: ${HASH_REMEDY}, with TOKEN set`);
    else this.#unique("sha256", hash.toLowerCase(), "the sha256");
  }

  #groups(map: YAMLMap): ReadonlySet<MethodGroup> | undefined {
    const given: unknown = map.get("groups", true);
    const names = isSeq(given) ? given.items.map(textOf) : [textOf(given)];
    if (names.length === 1 && names[0] === "all") return ALL;
    if (!isSeq(given) || names.length === 0) {
      this.#fault(`its groups are missing or none: ${GROUPS_REMEDY}`);
      return undefined;
    }
    const unknown = names.find((name) => !(METHOD_GROUPS as readonly (string | undefined)[]).includes(name));
    if (unknown !== undefined || names.includes(undefined)) {
      this.#fault(`it has the unknown group ${quoted(unknown ?? "")}: ${GROUPS_REMEDY}`);
      return undefined;
    }
    return new Set(names as MethodGroup[]);
  }

  #unique(kind: string, value: string, what: string): void {
    const key = `${kind} ${value}`;
    const other = this.#taken.get(key);
    if (other === undefined) this.#taken.set(key, this.#number);
    else this.#fault(`${what} is that of entry ${other} already: remove one of the two`);
  }

  #fault(message: string): void {
    this.#faults.push(`${this.#where}: ${message}`);
  }
}

function textAt(map: YAMLMap, key: string): string | undefined {
  return textOf(map.get(key, true));
}

function textOf(node: unknown): string | undefined {
  return isScalar(node) && typeof node.value === "string" ? node.value : undefined;
}

function faulty(file: string, faults: readonly string[]): CodedError {
  const shown = faults.slice(0, MAX_FAULTS_SHOWN);
  if (faults.length > shown.length) shown.push(`and ${faults.length - shown.length} more`);
  const count = faults.length === 1 ? "a fault" : `${faults.length} faults`;
  return new CodedError("invalid-argument", [`the file of tokens ${file} has ${count}:`, ...shown].join("\n  - "));
}

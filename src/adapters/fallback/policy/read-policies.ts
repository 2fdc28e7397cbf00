import { isUtf8 } from "node:buffer";
import { isScalar, type ParsedNode, parseDocument } from "yaml";
import { type FailurePolicy, POLICY_ANSWERS } from "../../../domain/decision/failure-policy.js";
import { CodedError } from "../../../domain/errors.js";

/** The policies of a file, as they stand in it. */
export interface PolicyRules {
  readonly features: ReadonlyMap<string, FailurePolicy>;
  readonly groups: readonly { readonly pattern: IdPattern; readonly policy: FailurePolicy }[];
  readonly byDefault: FailurePolicy | undefined;
}

const MAX_FAULTS_SHOWN = 10;
const DURATION = /^([1-9]\d{0,5})([smhd])$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const ONE_HOUR = "1h";
const DURATION_REMEDY = "write a time such as 30s, 10m, 24h or 7d";

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads policies in YAML or JSON (schema/failure-policy.schema.json).
 *
 * @param file named in messages
 * @throws CodedError `invalid-argument` with every fault, its place and remedy
 */
export function readPolicies(file: string, bytes: Buffer): PolicyRules {
  if (!isUtf8(bytes)) throw faulty(file, ["it is not text in UTF-8: save it as UTF-8"]);
  return new PolicyReader(file).read(valueOf(file, bytes.toString("utf8")));
}

function valueOf(file: string, text: string): unknown {
  const document = parseDocument(text, { uniqueKeys: haveOneName, prettyErrors: true, logLevel: "error" });
  const [error] = document.errors;
  if (error !== undefined) throw faulty(file, [`this is neither YAML nor JSON: ${error.message}`]);
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    // An alias without its anchor, or too many of them.
    throw faulty(file, [`${(cause as Error).message}: write what it stands for in its place`]);
  }
}

/** The parser compares keys as values, and 1 is not "1"; as ids they are the same. */
function haveOneName(one: ParsedNode, other: ParsedNode): boolean {
  return isScalar(one) && isScalar(other) && nameOf(one.value as ScalarKey) === nameOf(other.value as ScalarKey);
}

type ScalarKey = string | number | boolean | bigint | null;

/** As which property the parser's objects have a key. */
function nameOf(key: ScalarKey): string {
  return key === null ? "" : String(key);
}

class PolicyReader {
  readonly #file: string;
  readonly #faults: string[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  read(root: unknown): PolicyRules {
    const members = this.#members(root, "the file", ["features", "groups", "default"]);
    const features = new Map<string, FailurePolicy>();
    for (const [id, value] of Object.entries(this.#optionalMembers(members["features"], "features")))
      this.#add(features, id, this.#policy(value, `features.${id}`));
    const groups = this.#groups(members["groups"]);
    const byDefault = members["default"] === undefined ? undefined : this.#policy(members["default"], "default");
    if (this.#faults.length > 0) throw faulty(this.#file, this.#faults);
    return { features, groups, byDefault };
  }

  #add(features: Map<string, FailurePolicy>, id: string, policy: FailurePolicy | undefined): void {
    if (id === "") this.#faults.push("features: an id must not be empty");
    if (policy !== undefined) features.set(id, policy);
  }

  #groups(value: unknown): { pattern: IdPattern; policy: FailurePolicy }[] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      this.#faults.push("groups: must be a list of {features, policy}");
      return [];
    }
    const groupOf = new Map<unknown, string>();
    return value.flatMap((item: unknown, index) => {
      const where = `groups[${index}]`;
      const members = this.#members(item, where, ["features", "policy"]);
      const patterns: readonly unknown[] = Array.isArray(members["features"])
        ? members["features"]
        : [members["features"]];
      const policy = this.#policy(members["policy"], `${where}.policy`);
      const isFaulty =
        patterns.length === 0 || !patterns.every((pattern) => typeof pattern === "string" && pattern !== "");
      if (isFaulty) this.#faults.push(`${where}.features: must be a pattern such as "report-*", or a list of them`);
      for (const pattern of patterns) {
        const known = groupOf.get(pattern);
        if (known === undefined) groupOf.set(pattern, where);
        else
          this.#faults.push(
            `${where}.features: ${JSON.stringify(pattern)} is in ${known} already, which counts: remove one of them`,
          );
      }
      if (isFaulty || policy === undefined) return [];
      return patterns.map((pattern) => ({ pattern: new IdPattern(String(pattern)), policy }));
    });
  }

  #policy(value: unknown, where: string): FailurePolicy | undefined {
    const members: Members =
      typeof value === "string"
        ? { answer: value }
        : this.#members(value, where, ["answer", "maxAge", "amount", "per", "for"]);
    const faultsBefore = this.#faults.length;
    const policy = this.#policyOf(members, where);
    for (const name of Object.keys(members)) {
      if (policy !== undefined && !MEMBERS_OF[policy.answer].includes(name))
        this.#faults.push(`${where}.${name}: ${policy.answer} has no such member: remove it`);
    }
    return this.#faults.length > faultsBefore ? undefined : policy;
  }

  #policyOf(members: Members, where: string): FailurePolicy | undefined {
    switch (members["answer"]) {
      case "deny":
      case "allow":
        return { answer: members["answer"] };
      case "last-known":
        return { answer: "last-known", maxAgeMs: this.#duration(members["maxAge"], `${where}.maxAge`) };
      case "allow-up-to": {
        const { amount } = members;
        const isAmount = typeof amount === "number" && Number.isFinite(amount) && amount >= 0;
        if (!isAmount) this.#faults.push(`${where}.amount: must be a number of 0 or more`);
        return {
          answer: "allow-up-to",
          amount: isAmount ? amount : 0,
          perMs: this.#duration(members["per"] ?? ONE_HOUR, `${where}.per`),
        };
      }
      case "grace":
        return { answer: "grace", forMs: this.#duration(members["for"], `${where}.for`) };
      default:
        this.#faults.push(`${where}: must be deny or allow, or {answer: one of ${POLICY_ANSWERS.join(", ")}}`);
        return undefined;
    }
  }

  #duration(value: unknown, where: string): number {
    const match = typeof value === "string" ? DURATION.exec(value) : null;
    if (match === null) this.#faults.push(`${where}: ${DURATION_REMEDY}`);
    return match === null ? 0 : Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? 0);
  }

  #optionalMembers(value: unknown, where: string): Members {
    return value === undefined || value === null ? {} : this.#members(value, where, undefined);
  }

  #members(value: unknown, where: string, allowed: readonly string[] | undefined): Members {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.#faults.push(`${where}: must be a mapping${allowed === undefined ? "" : ` with ${allowed.join(", ")}`}`);
      return {};
    }
    for (const name of Object.keys(value))
      if (allowed?.includes(name) === false)
        this.#faults.push(`${where}: ${name} is not known here; there are ${allowed.join(", ")}`);
    return value as Members;
  }
}

const MEMBERS_OF: Readonly<Record<FailurePolicy["answer"], readonly string[]>> = {
  deny: ["answer"],
  allow: ["answer"],
  "last-known": ["answer", "maxAge"],
  "allow-up-to": ["answer", "amount", "per"],
  grace: ["answer", "for"],
};

/** Ids that look like this: `*` is anything, `?` one character. Whoever asks chooses the id, so that it must never take long. */
export class IdPattern {
  readonly #parts: readonly (readonly string[])[];

  constructor(glob: string) {
    this.#parts = glob.split(/\*+/).map((part) => Array.from(part));
  }

  test(id: string): boolean {
    const characters = Array.from(id);
    const [first = [], ...others] = this.#parts;
    const last = others.pop();
    if (last === undefined) return first.length === characters.length && isAt(characters, 0, first);
    const end = characters.length - last.length;
    let at = first.length;
    if (end < at || !isAt(characters, 0, first) || !isAt(characters, end, last)) return false;
    // Each part where it comes first: a later place could only leave less for the others.
    for (const part of others) {
      while (at + part.length <= end && !isAt(characters, at, part)) at++;
      at += part.length;
      if (at > end) return false;
    }
    return true;
  }
}

function isAt(characters: readonly string[], at: number, part: readonly string[]): boolean {
  return part.every((character, index) => character === "?" || character === characters[at + index]);
}

function faulty(file: string, faults: readonly string[]): CodedError {
  const shown = faults.slice(0, MAX_FAULTS_SHOWN);
  const more = faults.length > shown.length ? `\n  and ${faults.length - shown.length} more` : "";
  return new CodedError(
    "invalid-argument",
    `the file of failure policies ${file} cannot be used:\n  ${shown.join("\n  ")}${more}`,
  );
}

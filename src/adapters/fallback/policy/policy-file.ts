import type { FailurePolicy } from "../../../domain/decision/failure-policy.js";
import type { FailurePolicies } from "../../../ports/checks.js";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import { type FileWords, LastGoodFile } from "../../files/last-good-file.js";
import { type PolicyRules, readPolicies } from "./read-policies.js";

/** Of how many ids it is remembered which policy is theirs. */
const MAX_REMEMBERED = 10_000;

const WORDS: FileWords = {
  called: "the file of failure policies",
  meanwhile: "the last good policies stay in use",
  changed: "the failure policies changed",
};

/** The policies of a file, as it was when it was last good. */
export class PolicyFile implements FailurePolicies {
  readonly #rules: LastGoodFile<PolicyRules>;
  readonly #byId = new Map<string, FailurePolicy | undefined>();
  /** Of the rules that #byId was made by. */
  #generation: number;

  private constructor(rules: LastGoodFile<PolicyRules>) {
    this.#rules = rules;
    this.#generation = rules.generation;
  }

  /** @throws CodedError `invalid-argument` where the file cannot be read or has a fault, with its place and remedy */
  static async open(file: string, clock: Clock, logger: Logger): Promise<PolicyFile> {
    return new PolicyFile(await LastGoodFile.open({ file, words: WORDS, read: readPolicies, clock, logger }));
  }

  policyOf(id: string): FailurePolicy | undefined {
    if (this.#generation !== this.#rules.generation) {
      this.#byId.clear();
      this.#generation = this.#rules.generation;
    }
    const known = this.#byId.get(id);
    if (known !== undefined || this.#byId.has(id)) return known;
    if (this.#byId.size >= MAX_REMEMBERED) this.#byId.clear();
    const { features, groups, byDefault } = this.#rules.value;
    const policy = features.get(id) ?? groups.find(({ pattern }) => pattern.test(id))?.policy ?? byDefault;
    this.#byId.set(id, policy);
    return policy;
  }

  close(): Promise<void> {
    return this.#rules.close();
  }
}

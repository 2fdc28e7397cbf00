import type { FailurePolicy } from "../../../domain/decision/failure-policy.js";
import { CodedError } from "../../../domain/errors.js";
import type { Clock } from "../../../ports/clock.js";
import type { FailurePolicies } from "../../../ports/failure-policies.js";
import type { Logger } from "../../../ports/logger.js";
import { OutageLog } from "../../../ports/outage-log.js";
import type { FileContent } from "../../files/file-access.js";
import { FileFollower } from "../../files/follow-file.js";
import { readSettledFile } from "../../files/read-settled-file.js";
import { type PolicyRules, readPolicies } from "./read-policies.js";

/** Of how many ids it is remembered which policy is theirs. */
const MAX_REMEMBERED = 10_000;

/** The policies of a file, as it was when it was last good. */
export class PolicyFile implements FailurePolicies {
  readonly #file: string;
  readonly #outage: OutageLog;
  readonly #follower: FileFollower;
  #rules: PolicyRules;
  readonly #byId = new Map<string, FailurePolicy | undefined>();

  private constructor(file: string, known: FileContent, rules: PolicyRules, clock: Clock, logger: Logger) {
    this.#file = file;
    this.#outage = new OutageLog(logger);
    this.#rules = rules;
    this.#follower = new FileFollower({ file, known, clock, listener: this.#listener() });
  }

  /** @throws CodedError `invalid-argument` where the file cannot be read or has a fault, with its place and remedy */
  static async open(file: string, clock: Clock, logger: Logger): Promise<PolicyFile> {
    let content: FileContent;
    try {
      content = await readSettledFile(file, clock);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new CodedError(
        "invalid-argument",
        `the file of failure policies ${file} cannot be read: ${reason}; correct the path or its permissions`,
        { cause },
      );
    }
    return new PolicyFile(file, content, readPolicies(file, content.bytes), clock, logger);
  }

  policyOf(id: string): FailurePolicy | undefined {
    const known = this.#byId.get(id);
    if (known !== undefined || this.#byId.has(id)) return known;
    if (this.#byId.size >= MAX_REMEMBERED) this.#byId.clear();
    const { features, groups, byDefault } = this.#rules;
    const policy = features.get(id) ?? groups.find(({ pattern }) => pattern.test(id))?.policy ?? byDefault;
    this.#byId.set(id, policy);
    return policy;
  }

  close(): Promise<void> {
    return this.#follower.close();
  }

  #listener() {
    const file = this.#file;
    const outage = this.#outage;
    return {
      changed: ({ bytes }: FileContent): boolean => {
        try {
          this.#rules = readPolicies(file, bytes);
        } catch (error) {
          const fault =
            error instanceof CodedError ? error.message : `the file of failure policies ${file} could not be read`;
          outage.lost("error", `${fault}\nThe last good policies stay in use until it is corrected.`, { file });
          return false;
        }
        this.#byId.clear();
        outage.recovered("the failure policies changed", { file });
        return true;
      },
      unreadable: (error: Error): void => {
        outage.lost(
          "error",
          `the file of failure policies ${file} cannot be read any more; the last good policies stay in use until it is back`,
          { file, error },
        );
      },
      restless: (): void => {
        outage.lost(
          "warn",
          `the file of failure policies ${file} is being written all the time; the last good policies stay in use until it rests`,
          { file },
        );
      },
    };
  }
}

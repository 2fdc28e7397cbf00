import { PolicyFile } from "../../adapters/fallback/policy/policy-file.js";
import { CodedError } from "../../domain/errors.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { Config } from "../config/settings/settings.js";
import { StartError } from "../process/start-error.js";

/**
 * The failure policies that are configured.
 *
 * @throws StartError where their file cannot be read or has a fault, with its place and remedy
 */
export async function openFailurePolicies(
  { failurePolicyFile }: Config,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<PolicyFile | undefined> {
  if (failurePolicyFile === undefined) return undefined;
  try {
    return await PolicyFile.open(failurePolicyFile, clock, logger);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw new StartError(`FAILURE_POLICY_FILE: ${error.message}`, { cause: error });
  }
}

import type { AnnounceChanges } from "../../../adapters/emulator/queue/announce-changes.js";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import { hasOwnQueueEndpoint } from "../../process/queue-endpoint.js";
import { UsageError } from "../usage-error.js";

const REGION_IN_HOST = /^sqs\.([a-z]{2}(?:-[a-z]+)+-\d)\./;

/** @throws UsageError where it is no URL of a queue */
export function checkQueueUrl(queueUrl: string | undefined): void {
  if (queueUrl === undefined || (URL.canParse(queueUrl) && /^https?:$/.test(new URL(queueUrl).protocol))) return;
  throw new UsageError(`--queue-url must be the https or http URL of an SQS queue, not ${JSON.stringify(queueUrl)}`);
}

/**
 * What tells a queue of every change. Its library is imported only where it is wanted.
 *
 * @throws UsageError where the queue's region is not known
 */
export async function announceTo(
  queueUrl: string,
  environment: NodeJS.ProcessEnv,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<AnnounceChanges> {
  const region = environment["AWS_REGION"] ?? REGION_IN_HOST.exec(new URL(queueUrl).hostname)?.[1];
  if (region === undefined) throw new UsageError(`${queueUrl} does not tell the queue's region: set AWS_REGION`);
  const [{ AnnounceChanges: Announce }, { SqsSender }] = await Promise.all([
    import("../../../adapters/emulator/queue/announce-changes.js"),
    import("../../../adapters/emulator/queue/sqs-sender.js"),
  ]);
  return new Announce(
    new SqsSender({ region, queueUrl, hasOwnEndpoint: hasOwnQueueEndpoint(environment) }),
    clock,
    logger,
  );
}

/** Whether AWS's own variables name an endpoint for SQS: the queue's URL then only names the queue. */
export function hasOwnQueueEndpoint({
  AWS_ENDPOINT_URL_SQS: ofSqs = "",
  AWS_ENDPOINT_URL: ofAll = "",
}: NodeJS.ProcessEnv): boolean {
  return ofSqs !== "" || ofAll !== "";
}

/** Takes messages from a queue as fast as it can, side by side, and does nothing with them but remove them. */
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

const CONSUMERS = 10;
const { QUEUE_URL: QueueUrl, AWS_REGION: region, BATCH_SIZE } = process.env;
const client = new SQSClient({ region, useQueueUrlAsEndpoint: false });

await Promise.all(Array.from({ length: CONSUMERS }, consume));

async function consume() {
  let removed = Promise.resolve();
  for (;;) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: Number(BATCH_SIZE), WaitTimeSeconds: 20 }),
    );
    if (Messages.length === 0) continue;
    await removed;
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    removed = client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
}

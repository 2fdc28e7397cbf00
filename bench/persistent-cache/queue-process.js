/** An SQS-compatible queue server as a process of its own: prints where it is and ends with its input. */
import { startFauxqs } from "fauxqs";

const server = await startFauxqs({ port: 0, logger: false });
const { queueUrl } = server.createQueue("changes", { attributes: { VisibilityTimeout: "60" } });
process.stdout.write(`${JSON.stringify({ endpoint: server.address, queueUrl })}\n`);
process.stdin.resume().on("end", () => process.exit(0));

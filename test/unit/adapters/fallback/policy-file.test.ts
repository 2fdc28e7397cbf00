import { mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { PolicyFile } from "../../../../src/adapters/fallback/policy/policy-file.js";
import { SystemClock } from "../../../../src/adapters/ops/system-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

let folder: string;
let policies: PolicyFile | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "policy-file-"));
});
afterEach(async () => {
  await policies?.close();
  await rm(folder, { recursive: true });
});

/** Written beside and renamed, long ago: nobody has to wait for it to be complete. */
async function write(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await utimes(`${file}.new`, 1, 1);
  await rename(`${file}.new`, file);
}

it("a policy that was asked for before is another one once the file says so", async () => {
  const file = join(folder, "policies.yaml");
  const logger = new RecordingLogger();
  await write(file, "default: { answer: deny }\n");
  policies = await PolicyFile.open(file, new SystemClock(), logger);
  expect(policies.policyOf("seats")?.answer).toBe("deny");
  await write(file, "default: { answer: allow }\n");
  await logger.until("the failure policies changed");
  expect(policies.policyOf("seats")?.answer).toBe("allow");
});

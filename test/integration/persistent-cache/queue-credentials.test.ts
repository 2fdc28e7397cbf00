import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { SqsCalls } from "../../../src/adapters/queue/sqs-calls.js";
import { onTestFinished } from "../../support/on-test-finished.js";

/** A queue that takes one key alone, and says of any other what SQS says. */
async function queueThatTakes(accepted: () => string): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    const key = /Credential=([^/]+)/.exec(request.headers.authorization ?? "")?.[1];
    response.setHeader("content-type", "application/x-amz-json-1.0");
    if (key === accepted()) {
      response.end("{}");
      return;
    }
    response.writeHead(403).end('{"__type":"com.amazon.coral.service#InvalidClientTokenId","message":"not valid"}');
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/000000000000/changes`;
}

describe("credentials of the queue that are given as a file", () => {
  it("are read again once the last ones are refused, without a restart", async () => {
    const folder = mkdtempSync(join(tmpdir(), "queue-credentials-"));
    const before = Object.entries(process.env).filter(([name]) => name.startsWith("AWS_"));
    for (const [name] of before) Reflect.deleteProperty(process.env, name);
    onTestFinished(() => {
      for (const name of Object.keys(process.env))
        if (name.startsWith("AWS_")) Reflect.deleteProperty(process.env, name);
      Object.assign(process.env, Object.fromEntries(before));
      rmSync(folder, { recursive: true });
    });
    const file = join(folder, "credentials");
    const give = (key: string) =>
      writeFileSync(file, `[default]\naws_access_key_id = ${key}\naws_secret_access_key = secret\n`);
    process.env["AWS_SHARED_CREDENTIALS_FILE"] = file;
    process.env["AWS_CONFIG_FILE"] = join(folder, "none");
    process.env["AWS_EC2_METADATA_DISABLED"] = "true";
    give("FIRST");
    let accepted = "FIRST";
    const queueUrl = await queueThatTakes(() => accepted);
    const calls = new SqsCalls({ region: "us-east-1", queueUrl, pollSeconds: 0, hasOwnEndpoint: false });
    onTestFinished(() => calls.close());
    const { signal } = new AbortController();
    expect(await calls.receive(1, 30, signal)).toEqual([]);
    accepted = "SECOND";
    const refused = { name: "CodedError", code: "unavailable" };
    await expect(calls.receive(1, 30, signal)).rejects.toMatchObject(refused);
    await expect(calls.receive(1, 30, signal)).rejects.toMatchObject(refused);
    give("SECOND");
    // What was found before the file was written is refused once more.
    await calls.receive(1, 30, signal).catch(() => undefined);
    expect(await calls.receive(1, 30, signal)).toEqual([]);
    expect(await calls.remove(["handle"])).toBeUndefined();
  });
});

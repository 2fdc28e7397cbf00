import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { examplesOf } from "../../unit/docs/api-examples.js";
import { ServiceProcess } from "../service/service-process.js";

const REPO = resolve(import.meta.dirname, "../../..");
const EXAMPLES = [...examplesOf(readFileSync(resolve(REPO, "docs/api.md"), "utf8"))];

describe("the examples of the API reference, sent to the example catalog", () => {
  let service: ServiceProcess;
  let port: number;
  beforeAll(async () => {
    service = new ServiceProcess([], {
      CATALOG_FILE: resolve(REPO, "examples/catalog.yaml"),
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      SHUTDOWN_LINGER_MS: "0",
      START_MESSAGE: "json",
    });
    ({ grpcPort: port } = await service.started());
  });
  afterAll(async () => {
    service.child.kill("SIGTERM");
    await service.ended;
  });

  it.each(EXAMPLES)("%s", async (path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const answer = (await response.json()) as { isFallback?: boolean; hasAccess?: boolean };
    expect([response.status, answer]).toEqual([200, expect.any(Object)]);
    if ("hasAccess" in answer) expect(answer).toMatchObject({ hasAccess: true, isFallback: false });
  });
});

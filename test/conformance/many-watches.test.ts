import { once } from "node:events";
import { expect, it } from "@jest/globals";
import { onTestFinished } from "../support/on-test-finished.js";
import { frame, RawHttp2 } from "./harness/raw-http2.js";
import { startRpcServer } from "./harness/rpc-server.js";

const WATCHES = 20;
const HEADERS = {
  ":method": "POST",
  ":path": "/grpc.health.v1.Health/Watch",
  "content-type": "application/grpc",
  te: "trailers",
};

it("many callers watch the health of the service, and Node takes none of them for a leak", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  onTestFinished(() => void process.off("warning", onWarning));
  const server = await startRpcServer();
  onTestFinished(() => server.stop());
  const { session } = new RawHttp2(server.url);
  onTestFinished(() => session.destroy());
  for (let watch = 0; watch < WATCHES; watch++) {
    const stream = session.request(HEADERS);
    stream.end(frame(Buffer.alloc(0)));
    await once(stream, "data");
  }
  expect(warnings).toEqual([]);
});

import { type ClientHttp2Session, connect, constants } from "node:http2";
import { expect } from "@jest/globals";
import { counted } from "./grpc-js-calls.js";
import { PROXIES, startProxy } from "./proxies.js";
import { sidecarForClient } from "./sidecar-for-client.js";
import { findToolchain, itWith, tell } from "./toolchain.js";
import { temporaryDirectory } from "./workspace.js";

const CLIENTS = 300;
const ROUNDS = 5;
/** For each check that is waited for. */
const CANCELLED = 4;
const CHECK = "/stigg.sidecar.v1.SidecarService/GetBooleanEntitlement";
const WATCH = "/grpc.health.v1.Health/Watch";
const NO_SERVICE = Buffer.alloc(5);
const BODY = Buffer.from("\0\0\0\0\x0b\n\x04acme\x12\x03sso", "latin1");

for (const proxy of PROXIES) {
  const version = await findToolchain(proxy.name, proxy.command, proxy.probe);
  itWith(version)(`behind ${proxy.name} no cached check fails beside the cancels of ${CLIENTS} clients`, async () => {
    tell(version ?? "");
    const [, sidecarPort] = (await sidecarForClient()).split(":");
    const directory = await temporaryDirectory(proxy.command);
    const port = await startProxy(proxy, directory, Number(sidecarPort));
    const outcomes = await Promise.all(
      Array.from({ length: CLIENTS }, () => checksOfClient(port, proxy.bearsEarlyCancels)),
    );
    expect(counted(outcomes.flat())).toEqual({ "status 0": CLIENTS * ROUNDS });
  });
}

/** Rounds of one check that is waited for, and some that are cancelled with it; or one watch that is cancelled once it has begun. */
async function checksOfClient(port: number, bearsEarlyCancels: boolean): Promise<readonly string[]> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  const outcomes: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const kept = checkOn(session);
    if (bearsEarlyCancels) for (let cancelled = 0; cancelled < CANCELLED; cancelled++) cancelOn(session, cancelled);
    outcomes.push(await kept);
    if (!bearsEarlyCancels && round === 0) await cancelWatchOn(session);
  }
  session.destroy();
  return outcomes;
}

function checkOn(session: ClientHttp2Session): Promise<string> {
  return new Promise((resolve) => {
    const stream = session.request(headers(CHECK));
    let status: unknown;
    stream.on(
      "response",
      (received) =>
        (status ??=
          received["grpc-status"] ?? (received[":status"] === 200 ? undefined : `HTTP ${received[":status"]}`)),
    );
    stream.on("trailers", (trailers) => (status ??= (trailers as Record<string, unknown>)["grpc-status"]));
    stream.on("error", (error) => (status ??= error.message));
    stream.on("close", () => resolve(`status ${String(status)}`));
    stream.resume();
    stream.end(BODY);
  });
}

/** Of a check: at once, after its headers, after all of it, or a little later. */
function cancelOn(session: ClientHttp2Session, when: number): void {
  const stream = session.request(headers(CHECK));
  stream.on("error", () => undefined);
  stream.resume();
  if (when > 1) stream.end(BODY);
  const cancel = () => stream.close(constants.NGHTTP2_CANCEL);
  if (when === 0) cancel();
  else if (when === 3) setTimeout(cancel, 2);
  else setImmediate(cancel);
}

/** Of a stream that never ends by itself, once it has begun. Settles when it is closed. */
function cancelWatchOn(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    const stream = session.request(headers(WATCH));
    stream.on("error", () => undefined);
    stream.once("data", () => stream.close(constants.NGHTTP2_CANCEL));
    stream.once("close", () => resolve());
    stream.end(NO_SERVICE);
  });
}

function headers(path: string) {
  return { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
}

import { afterAll, expect } from "@jest/globals";
import { Certificates } from "../integration/listener/certificates.js";
import { startListening } from "../integration/listener/listening.js";
import { buildH2spec } from "./h2spec-program.js";
import { runH2spec } from "./h2spec-report.js";
import { sidecarForClient } from "./sidecar-for-client.js";
import { findToolchain, itWith, tell } from "./toolchain.js";
import { temporaryDirectory } from "./workspace.js";

/** As many as there are, so that none is left out unnoticed. */
const CASES = 146;

const go = await findToolchain("Go", "go", ["version"]);
const certificates = new Certificates();
afterAll(() => certificates.remove());

async function h2spec() {
  tell(go ?? "");
  const directory = await temporaryDirectory("h2spec");
  const executable = await buildH2spec(directory);
  return (port: number, ...options: string[]) => runH2spec(executable, directory, port, options);
}

itWith(go)(
  "h2spec finds nothing amiss, but that a cleartext port answers in HTTP/1.1 what does not begin as HTTP/2",
  async () => {
    const check = await h2spec();
    const [, port] = (await sidecarForClient()).split(":");
    expect(await check(Number(port))).toEqual({
      cases: CASES,
      notPassed: ["http2/3.5: Sends invalid connection preface"],
    });
  },
);

itWith(go)("h2spec finds nothing amiss over TLS", async () => {
  const check = await h2spec();
  const { port } = await startListening({ tls: certificates.selfSigned() });
  expect(await check(port, "-t", "-k")).toEqual({ cases: CASES, notPassed: [] });
});

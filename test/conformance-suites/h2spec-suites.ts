import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Certificates } from "../integration/listener/certificates.js";
import { ServiceProcess } from "../integration/service/service-process.js";
import { INTEROP_CATALOG } from "../interop/catalog.js";
import { buildH2spec } from "../interop/h2spec-program.js";
import { type H2specReport, runH2spec } from "../interop/h2spec-report.js";
import type { NodeBinary } from "./node-binary.js";
import type { SuiteReport } from "./suite-report.js";

/** As many as there are, so that none is left out unnoticed. */
const CASES = 146;
const PREFACE_CASE = "http2/3.5: Sends invalid connection preface";
const PREFACE_REASON = `${PREFACE_CASE} (a cleartext port answers in HTTP/1.1 what does not begin as HTTP/2)`;

/** Runs h2spec, its strict cases too, against the built service on the given Node: in cleartext and over TLS. */
export async function runH2specSuites(node: NodeBinary): Promise<readonly SuiteReport[]> {
  const directory = await mkdtemp(join(tmpdir(), "entitlement-sidecar-h2spec-"));
  const certificates = new Certificates();
  const catalog = join(directory, "catalog.json");
  await writeFile(catalog, JSON.stringify(INTEROP_CATALOG));
  const executable = await buildH2spec(directory);
  const { certFile, keyFile } = certificates.selfSigned();
  const service = new ServiceProcess(
    ["serve"],
    {
      LISTEN_HOST: "127.0.0.1",
      GRPC_PORT: "0",
      PORT: "0",
      METRICS_PORT: "0",
      CATALOG_FILE: catalog,
      TLS_CERT_FILE: certFile,
      TLS_KEY_FILE: keyFile,
    },
    undefined,
    undefined,
    node.binary,
  );
  try {
    const { grpcPort, tlsPort = 0 } = await service.started();
    const cleartext = await runH2spec(executable, directory, grpcPort);
    const tls = await runH2spec(executable, directory, tlsPort, ["-t", "-k"]);
    return [reportOf("cleartext", node, cleartext, PREFACE_CASE), reportOf("TLS", node, tls)];
  } finally {
    service.child.kill("SIGKILL");
    await service.ended;
    certificates.remove();
    await rm(directory, { recursive: true, force: true });
  }
}

/** @param mayFail a case that is excused */
function reportOf(
  transport: string,
  node: NodeBinary,
  { cases, notPassed }: H2specReport,
  mayFail?: string,
): SuiteReport {
  return {
    suite: `h2spec 2.2.1, strict, ${transport}`,
    node: node.version,
    cases,
    passed: cases - notPassed.length,
    expectedCases: CASES,
    excused: notPassed.filter((failed) => failed === mayFail).map(() => PREFACE_REASON),
    failures: notPassed.filter((failed) => failed !== mayFail),
  };
}

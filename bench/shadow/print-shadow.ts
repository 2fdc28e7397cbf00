import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { CANDIDATE, customerOf, expectedClasses, INCUMBENT, PLANTED } from "./planted.js";

const ROOT = join(import.meta.dirname, "../..");
const CLI = join(ROOT, "dist/bootstrap/cli.js");
/** Checks of each turn without and with the comparison, before the whole run. */
const ROUNDS = 3;
const TURN_S = 5;

interface Report {
  readonly compared: number;
  readonly different: number;
  readonly passing: number;
  readonly skipped: number;
  readonly classes: Readonly<Record<string, { readonly answers: number }>>;
}

/**
 * Prints how many differences were found of those that were planted, and the latency of the answers with and without the comparison.
 *
 * @param rate checks a second
 * @returns whether all that was planted was found and classed, and nothing else
 */
export async function printShadow(checks: number, rate: number): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "shadow-"));
  const children: ChildProcess[] = [];
  const start = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { PATH: process.env["PATH"] ?? "", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.push(child);
    return child;
  };
  const serve = async (name: string, catalog: object) => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(catalog));
    const environment = { CATALOG_FILE: file, GRPC_PORT: "0", METRICS_PORT: "0", LISTEN_HOST: "127.0.0.1" };
    const child = start([CLI, "serve"], { ...environment, START_MESSAGE: "json" });
    return `127.0.0.1:${(await said(child.stdout, /"grpcPort":(\d+)/))[1] ?? ""}`;
  };
  try {
    const incumbent = await serve("incumbent", INCUMBENT);
    const candidate = await serve("candidate", CANDIDATE);
    const relay = start([join(import.meta.dirname, "relay-process.js"), `http://${incumbent}`]);
    const relayAt = `127.0.0.1:${(await said(relay.stdout, /port (\d+)/))[1] ?? ""}`;
    const services = ["--incumbent", incumbent, "--candidate", candidate, "--listen", "127.0.0.1:0", "--json"];
    const shadow = start([CLI, "shadow", ...services]);
    const shadowAt = `127.0.0.1:${(await said(shadow.stderr, /listening on 127\.0\.0\.1:(\d+)/))[1] ?? ""}`;
    print(
      `Node ${process.version}, ${availableParallelism()} processors, load ${loadavg()[0]?.toFixed(1)}, ${rate} checks a second`,
    );
    print("| answered | p50, ms | p99, ms |");
    print("| --- | --- | --- |");
    const common = (nth: number) => `customer-${nth % 1_000}`;
    for (let round = 0; round <= ROUNDS; round++) {
      // The first turn warms both up.
      const without = await ask(relayAt, rate * TURN_S, rate, common);
      const beside = await ask(shadowAt, rate * TURN_S, rate, common);
      if (round === 0) continue;
      print(`| without the comparison, turn ${round} | ${without.p50} | ${without.p99} |`);
      print(`| with it, turn ${round} | ${beside.p50} | ${beside.p99} |`);
    }
    const whole = await ask(shadowAt, checks, rate, (nth) => customerOf(nth, checks));
    print(`| with it, ${checks} checks | ${whole.p50} | ${whole.p99} |`);
    let stdout = "";
    shadow.stdout.on("data", (part: Buffer) => (stdout += part.toString()));
    shadow.kill("SIGTERM");
    await once(shadow, "close");
    return judge(JSON.parse(stdout) as Report, checks + (ROUNDS + 1) * rate * TURN_S);
  } finally {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}

function judge({ compared, different, passing, skipped, classes }: Report, asked: number): boolean {
  const found = Object.fromEntries(Object.entries(classes).map(([is, { answers }]) => [is, answers]));
  const isAsExpected = isDeepStrictEqual(found, expectedClasses());
  const isRight = compared === asked && different === PLANTED && passing === 0 && skipped === 0 && isAsExpected;
  print(
    `\n${compared} of ${asked} compared, ${different} of ${PLANTED} planted differences found, ${passing} passing, ${skipped} not compared: ${isRight ? "right" : "wrong"}; classes ${JSON.stringify(found)}`,
  );
  return isRight;
}

/** Asks at a steady rate; what an answer takes counts from when its question was due. */
async function ask(at: string, checks: number, rate: number, customerIdOf: (nth: number) => string) {
  const client = createClient(
    SidecarService,
    createGrpcTransport({ baseUrl: `http://${at}`, nodeOptions: { maxSessionMemory: 1_000 } }),
  );
  const waited = new Float64Array(checks);
  const startedAt = performance.now();
  const asked: Promise<void>[] = [];
  for (let nth = 0; nth < checks;) {
    const now = performance.now();
    for (
      let due = startedAt + (nth * 1_000) / rate;
      nth < checks && due <= now;
      due = startedAt + (nth * 1_000) / rate
    ) {
      const index = nth++;
      const answered = client.getMeteredEntitlement({ customerId: customerIdOf(index), featureId: "seats" });
      asked.push(answered.then(() => void (waited[index] = performance.now() - due)));
    }
    if (asked.length > 10_000) await Promise.all(asked.splice(0, 5_000));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(asked);
  waited.sort();
  const at100 = (share: number) => (waited[Math.floor(share * checks)] ?? NaN).toFixed(2);
  return { p50: at100(0.5), p99: at100(0.99) };
}

function said(stream: NodeJS.ReadableStream | null, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = "";
    stream?.on("data", (part: Buffer) => {
      const found = pattern.exec((text += part.toString()));
      if (found !== null) resolve(found);
    });
    stream?.on("end", () => reject(new Error(`it ended, and said: ${text}`)));
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { ServiceProcess } from "../integration/service/service-process.js";
import { INTEROP_CATALOG } from "./catalog.js";
import { counted, GrpcJsCalls } from "./grpc-js-calls.js";

const AT_ONCE = 100;
/** Calls before, and again after the process has ended. */
const CALLS = 3_000;

let directory: string;
const services: ServiceProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "entitlement-sidecar-sigterm-"));
  await writeFile(join(directory, "catalog.json"), JSON.stringify(INTEROP_CATALOG));
});
afterEach(async () => {
  for (const service of services.splice(0)) {
    service.child.kill("SIGKILL");
    await service.ended;
  }
  await rm(directory, { recursive: true });
});

it("none of the calls under way is lost when one of two sidecars is ended by SIGTERM", async () => {
  const [first, second] = [await start(), await start()];
  const target = `ipv4:127.0.0.1:${first.port},127.0.0.1:${second.port}`;
  const roundRobin = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });
  const calls = new GrpcJsCalls(target, { "grpc.service_config": roundRobin });
  const outcomes: string[] = [];
  let isOver = false;
  const callInTurn = async () => {
    while (!isOver) outcomes.push(await calls.check().outcome);
  };
  const callers = Array.from({ length: AT_ONCE }, callInTurn);
  await untilCounted(outcomes, CALLS);
  first.service.child.kill("SIGTERM");
  const { code } = await first.service.ended;
  await untilCounted(outcomes, outcomes.length + CALLS);
  isOver = true;
  await Promise.all(callers);
  calls.close();
  expect(counted(outcomes)).toEqual({ OK: outcomes.length });
  expect(code).toBe(0);
});

async function start(): Promise<{ readonly service: ServiceProcess; readonly port: number }> {
  const environment = {
    LISTEN_HOST: "127.0.0.1",
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    CATALOG_FILE: join(directory, "catalog.json"),
  };
  const service = new ServiceProcess(["serve"], environment);
  services.push(service);
  const { grpcPort } = await service.started();
  return { service, port: grpcPort };
}

async function untilCounted(outcomes: readonly string[], count: number): Promise<void> {
  while (outcomes.length < count) await delay(5);
}

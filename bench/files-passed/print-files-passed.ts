import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { fillForChecks } from "../cold-start/fill-for-checks.js";
import { INSPECTED, Inspector } from "../processes/inspector.js";
import { Redis } from "../processes/redis.js";
import { type MeasuredServer, startSidecar } from "../processes/server.js";
import { Upstream } from "../processes/upstream.js";
import { customerIdOf, featureIdOf } from "../world/customers.js";
import { PassedFiles } from "./passed-files.js";

/** What all of so many requests pass is the request's; what only some do is a timer's. */
const REQUESTS = 8;
const CUSTOMERS = 100;
const ENVIRONMENT = "bench";

/** Prints which files a cached check passes, and which one that Redis answers, by V8's coverage of single requests. */
export async function printFilesPassed(): Promise<void> {
  const upstream = await Upstream.start({ customers: CUSTOMERS, isShared: true });
  const redis = await Redis.start();
  await fillForChecks(redis.port, ENVIRONMENT, CUSTOMERS);
  const store = { REDIS_ENVIRONMENT_PREFIX: ENVIRONMENT, REDIS_HOST: "127.0.0.1", REDIS_PORT: String(redis.port) };
  const server = await startSidecar(process.execPath, upstream, store, [INSPECTED]);
  try {
    const { cached, missed } = await measure(server);
    print("a cached check", cached);
    print("a check that Redis answers", missed);
  } finally {
    await server.child.stop();
    await redis.stop();
    await upstream.stop();
  }
}

async function measure(server: MeasuredServer): Promise<Readonly<Record<"cached" | "missed", ReadonlySet<string>>>> {
  const inspector = await Inspector.connect(server.child);
  const passed = await PassedFiles.of(inspector);
  const transport = createGrpcTransport({ baseUrl: `http://127.0.0.1:${server.grpcPort}` });
  const client = createClient(SidecarService, transport);
  const check = (customer: number) =>
    client.getMeteredEntitlement({ customerId: customerIdOf(customer), featureId: featureIdOf(8) });
  // What only the first of all does, such as to open the connection, is no part of one.
  for (let request = 0; request < REQUESTS; request++) await check(0);
  const cached = await passed.byEach(REQUESTS, () => check(0));
  const missed = await passed.byEach(REQUESTS, (request) => check(1 + request));
  inspector.close();
  return { cached, missed };
}

function print(what: string, files: ReadonlySet<string>): void {
  process.stdout.write(
    `${what} passes ${files.size} files:\n${[...files]
      .sort()
      .map((file) => `  ${file}\n`)
      .join("")}`,
  );
}

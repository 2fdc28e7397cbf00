import { status } from "@grpc/grpc-js";
import { expect, it } from "@jest/globals";
import { counted, GrpcJsCalls } from "./grpc-js-calls.js";
import { sidecarForClient } from "./sidecar-for-client.js";

const CALLS = 10_000;
const CONNECTIONS = 4;
const AT_ONCE = 500;
const KEEPALIVE = {
  "grpc.keepalive_time_ms": 200,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.use_local_subchannel_pool": 1,
};

it("of 10,000 calls of grpc-js, half of them cancelled, no other fails", async () => {
  const address = await sidecarForClient();
  const clients = Array.from({ length: CONNECTIONS }, () => new GrpcJsCalls(address, KEEPALIVE));
  const [kept, cancelled, expired]: [string[], string[], string[]] = [[], [], []];
  let next = 0;
  const callInTurn = async () => {
    while (next < CALLS) {
      const number = next++;
      const client = clients[number % CONNECTIONS]!;
      if (number % 2 === 1) {
        const { call, outcome } = client.check();
        if (number % 4 === 1) call.cancel();
        else setTimeout(() => call.cancel(), number % 4);
        cancelled.push(codeOf(await outcome));
      } else if (number % 20 === 0) expired.push(codeOf(await client.check(number % 3).outcome));
      else kept.push(await client.check().outcome);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, callInTurn));
  for (const client of clients) client.close();
  expect(counted(kept)).toEqual({ OK: 4_500 });
  expect(["OK", String(status.CANCELLED)]).toEqual(expect.arrayContaining(Object.keys(counted(cancelled))));
  expect(["OK", String(status.DEADLINE_EXCEEDED)]).toEqual(expect.arrayContaining(Object.keys(counted(expired))));
});

function codeOf(outcome: string): string {
  return outcome.split(" ")[0] ?? "";
}

import { describe, expect, it, test } from "@jest/globals";
import { redirectionOf } from "../../../../../../src/adapters/cache/redis-client/cluster/cluster-links.js";
import {
  isComplete,
  readClusterMap,
} from "../../../../../../src/adapters/cache/redis-client/cluster/cluster-topology.js";

const ASKED = { host: "asked", port: 7 };

describe("a Cluster's own account", () => {
  const map = readClusterMap(
    [
      [0, 99, ["one", 1, "id", []], ["one's replica", 11, "id", []]],
      [100, 16_382, ["", 2, "id", []]],
    ],
    ASKED,
  );

  it("names the masters, and all nodes", () => {
    expect([...map.masters.keys()]).toEqual(["one:1", "asked:2"]);
    expect(map.nodes.map(({ host, port }) => `${host}:${port}`)).toEqual(["one:1", "one's replica:11", "asked:2"]);
  });

  it("gives each slot its master, bounds included", () => {
    expect([0, 99, 100, 16_382, 16_383].map((slot) => map.masterOfSlot[slot])).toEqual([
      "one:1",
      "one:1",
      "asked:2",
      "asked:2",
      undefined,
    ]);
  });

  it("is complete when no slot is left out", () => {
    expect(isComplete(map)).toBe(false);
    expect(isComplete(readClusterMap([[0, 16_383, ["one", 1]]], ASKED))).toBe(true);
  });

  test.each([null, "", "?"])("a node that does not know its own name (%j) is where it was asked", (host) => {
    expect([...readClusterMap([[0, 1, [host, 5]]], ASKED).masters.keys()]).toEqual(["asked:5"]);
  });
});

test.each([
  ["MOVED 3999 127.0.0.1:6381", { kind: "moved", node: { host: "127.0.0.1", port: 6381 }, address: "127.0.0.1:6381" }],
  ["ASK 3999 ::1:6381", { kind: "ask", node: { host: "::1", port: 6381 }, address: "::1:6381" }],
  ["MOVED 3999 :6381", { kind: "moved", node: { host: "asked", port: 6381 }, address: "asked:6381" }],
  ["CLUSTERDOWN The cluster is down", { kind: "down" }],
  ["ERR unknown command", undefined],
])("%s", (answer, redirection) => {
  expect(redirectionOf(new Error(answer), "asked:7")).toEqual(redirection);
});

import { describe, expect, it } from "@jest/globals";
import type { WriteGroup } from "../../../../../../src/adapters/cache/redis/store/redis-commands.js";
import {
  newestWinsCalls,
  newestWinsOutcomes,
} from "../../../../../../src/adapters/cache/redis-client/commands/newest-wins-script.js";
import { RedisServer } from "../../../../../simulation/servers/redis-server.js";

const NOW = 1_000_000;

/** The script on the model of Redis, which is compared with a real server elsewhere. */
function writing(held: Readonly<Record<string, string>>, groups: readonly WriteGroup[]) {
  const server = new RedisServer(() => NOW);
  const connection = server.connect({ push: () => undefined });
  for (const [key, value] of Object.entries(held)) server.execute(connection, ["SET", key, value]);
  const replies = newestWinsCalls(groups, NOW, 60_000).map(({ script, keys, args }) =>
    server.execute(connection, ["EVAL", script.source, keys.length, ...keys, ...args].map(String)),
  );
  const value = (key: string) => server.execute(connection, ["GET", key]);
  return { outcomes: newestWinsOutcomes(groups, replies), value };
}

const write = (updatedAt: number | undefined) => ({ writes: [{ key: "state", value: "new", updatedAt }] });
const HELD = { state: "old", "state#timestamp": "200" };

describe("a write with a timestamp", () => {
  it("does not replace what is newer, and is told of it", () => {
    const { outcomes, value } = writing(HELD, [write(199)]);
    expect(outcomes).toEqual([[{ outcome: "older", stored: "old", storedAt: 200 }]]);
    expect([value("state"), value("state#timestamp")]).toEqual(["old", "200"]);
  });

  it.each([200, 201])("of %i replaces what is as old, or older", (updatedAt) => {
    const { outcomes, value } = writing(HELD, [write(updatedAt)]);
    expect(outcomes).toEqual([[{ outcome: "written" }]]);
    expect([value("state"), value("state#timestamp")]).toEqual(["new", String(updatedAt)]);
  });

  it("replaces a timestamp without a value", () => {
    expect(writing({ "state#timestamp": "200" }, [write(199)]).value("state")).toBe("new");
  });
});

describe("a write without a timestamp", () => {
  it("is written always, as of now", () => {
    const { outcomes, value } = writing(HELD, [write(undefined)]);
    expect(outcomes).toEqual([[{ outcome: "written" }]]);
    expect([value("state"), value("state#timestamp")]).toEqual(["new", String(NOW)]);
  });
});

describe("a write of what only counts beside another key", () => {
  const group = { ...write(300), onlyIfExists: "set" };

  it("is left out where that is not there", () => {
    const { outcomes, value } = writing(HELD, [group]);
    expect(outcomes).toEqual([[{ outcome: "not-cached" }]]);
    expect(value("state")).toBe("old");
  });

  it("is written where it is", () => {
    expect(writing({ ...HELD, set: "here" }, [group]).outcomes).toEqual([[{ outcome: "written" }]]);
  });
});

describe("a write that yields to what is later than a time", () => {
  const group = { ...write(0), unlessLater: { key: "state#timestamp", than: 199 } };

  it("is withheld where that is stored, and no other with it", () => {
    const other = { writes: [{ key: "other", value: "new", updatedAt: 1 }] };
    const { outcomes, value } = writing(HELD, [other, group, other]);
    expect(outcomes).toEqual([[{ outcome: "written" }], [{ outcome: "withheld" }], [{ outcome: "written" }]]);
    expect([value("state"), value("other")]).toEqual(["old", "new"]);
  });

  it.each([
    { held: {} },
    { held: { ...HELD, "state#timestamp": "199" } },
    { held: { ...HELD, "state#timestamp": "" } },
  ])("is written where that is not stored (%#)", ({ held }) => {
    expect(writing(held, [group]).outcomes).toEqual([[{ outcome: "written" }]]);
  });
});

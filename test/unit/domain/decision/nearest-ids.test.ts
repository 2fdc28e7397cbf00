import { describe, expect, it } from "@jest/globals";
import { editDistance, nearestIds } from "../../../../src/domain/decision/nearest-ids.js";

describe("the ids that are like one that is not known", () => {
  it.each<[string, string, readonly string[], readonly string[]]>([
    ["a slip of the finger", "seets", ["seats", "calls"], ["seats"]],
    ["another spelling", "Api_Calls", ["api-calls"], ["api-calls"]],
    ["the likest first", "seats", ["beats2", "seat", "seatss"], ["seat", "seatss", "beats2"]],
    ["in the order of the alphabet where they are as like", "seats", ["teats", "beats"], ["beats", "teats"]],
    ["three at the most", "aa", ["ab", "ac", "ad", "ae"], ["ab", "ac", "ad"]],
    ["not the id itself", "seats", ["seats"], []],
    ["none where all are quite different", "seats", ["storage", "sso", "x"], []],
  ])("%s", (_, id, known, expected) => expect(nearestIds(id, known)).toEqual(expected));

  it.each([
    ["", "", 0],
    ["", "abc", 3],
    ["abc", "", 3],
    ["kitten", "sitting", 3],
  ])("from %j to %j it is %d", (a, b, distance) => expect(editDistance(a, b)).toBe(distance));
});

import { describe, expect, it } from "@jest/globals";
import { AttackUsageError, parseCommandLine } from "../../attack/command-line.js";

const KNOWN = ["ping", "rapid-reset"];

describe("the command line of the attacks", () => {
  it("runs every class for 3 s beside the peer when nothing is asked for", () => {
    expect(parseCommandLine([], KNOWN)).toEqual({
      names: [],
      isSmoke: false,
      isShared: false,
      attackMs: 3_000,
      node: process.execPath,
      writesTable: false,
    });
  });

  it("runs each class for half a second in a smoke run", () => {
    expect(parseCommandLine(["--smoke"], KNOWN)).toMatchObject({ isSmoke: true, attackMs: 500 });
  });

  it("takes names and seconds", () => {
    expect(parseCommandLine(["ping", "--seconds", "0.2"], KNOWN)).toMatchObject({ names: ["ping"], attackMs: 200 });
  });

  it.each([
    { argv: ["pong"], says: "there is no class pong; classes are ping, rapid-reset" },
    { argv: ["--seconds", "never"], says: "--seconds never" },
    { argv: ["--seconds", "61"], says: "60 at most" },
    { argv: ["--node", "/no/such/node"], says: "there is no such file" },
    { argv: ["--write", "ping"], says: "leave out" },
    { argv: ["--fast"], says: "options are" },
  ])("refuses $argv", ({ argv, says }) => {
    expect(() => parseCommandLine(argv, KNOWN)).toThrow(AttackUsageError);
    expect(() => parseCommandLine(argv, KNOWN)).toThrow(says);
  });
});

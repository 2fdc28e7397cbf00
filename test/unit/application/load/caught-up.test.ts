import { describe, expect, it } from "@jest/globals";
import { CaughtUp } from "../../../../src/application/load/caught-up.js";
import { ManualClock } from "../../../fakes/manual-clock.js";

function behind() {
  const clock = new ManualClock(0);
  const idle = { at: 0, looks: 0 };
  const caughtUp = new CaughtUp(clock, () => {
    idle.looks++;
    return idle.at;
  });
  const called: string[] = [];
  const when = (name: string, time: number) => caughtUp.whenReadUpTo(time, () => called.push(name));
  return { clock, idle, caughtUp, called, when };
}

describe("what waits until a process has caught up", () => {
  it("is called back at once where it has", () => {
    const { idle, when, called } = behind();
    idle.at = 50;
    expect(when("a", 50)).toBeUndefined();
    expect(called).toEqual(["a"]);
  });

  it("is called back once it has read up to its time, and not before", () => {
    const { clock, idle, when, called } = behind();
    when("late", 200);
    when("early", 100);
    clock.advance(500);
    expect(called).toEqual([]);
    idle.at = 150;
    clock.advance(10);
    expect(called).toEqual(["early"]);
    idle.at = 200;
    clock.advance(10);
    expect(called).toEqual(["early", "late"]);
  });

  it("is looked at together, however many wait, and not at all once none does", () => {
    const { clock, idle, caughtUp, when } = behind();
    const waiting = Array.from({ length: 100 }, (_, n) => when(String(n), 100));
    idle.looks = 0;
    clock.advance(100);
    expect(idle.looks).toBe(10);
    for (const awaited of waiting) if (awaited !== undefined) caughtUp.cancel(awaited);
    clock.advance(100);
    expect(idle.looks).toBe(10);
  });

  it("is not called back where it was cancelled, also by another that was", () => {
    const { clock, idle, caughtUp, when, called } = behind();
    const other = { awaited: when("", Infinity) };
    caughtUp.whenReadUpTo(100, () => other.awaited !== undefined && caughtUp.cancel(other.awaited));
    other.awaited = when("cancelled", 100);
    idle.at = 100;
    clock.advance(10);
    expect(called).toEqual([]);
  });
});

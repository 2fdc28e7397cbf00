import { describe, expect, it } from "@jest/globals";
import {
  servesAtOnce,
  type StaleReason,
  staleReason,
  type Standing,
  StreamStatus,
} from "../../../../src/domain/freshness/freshness.js";

const NOW = Date.UTC(2026, 2, 10);
const POLL_MS = 30_000;
const MAX_AGE_MS = 600_000;

function streamOf(isConnected: boolean): StreamStatus {
  const stream = new StreamStatus(POLL_MS, MAX_AGE_MS);
  stream.connected();
  if (!isConnected) stream.disconnected(NOW - MAX_AGE_MS);
  return stream;
}

const VERIFIED_NOW: Standing = { verifiedAt: NOW, recheckAt: Infinity, isVerified: true };

describe("a state is", () => {
  it.each<[string, Partial<Standing>, boolean, StaleReason | undefined]>([
    ["fresh, verified just now", {}, true, undefined],
    ["fresh, as old as it may be", { verifiedAt: NOW - MAX_AGE_MS }, true, undefined],
    ["stale, older than that", { verifiedAt: NOW - MAX_AGE_MS - 1 }, true, "too_old"],
    ["fresh, verified by a clock that is a little ahead", { verifiedAt: NOW + 10_000 }, true, undefined],
    ["stale, verified by a clock that was wrong", { verifiedAt: NOW + 3_600_000 }, true, "too_old"],
    ["stale, older than it may be without a stream", { verifiedAt: NOW - POLL_MS - 1 }, false, "stream_lost"],
    ["stale, since it may have changed", { isVerified: false }, true, "changed"],
    ["stale, since it has ended", { recheckAt: NOW }, true, "due"],
    ["fresh until it ends", { recheckAt: NOW + 1 }, true, undefined],
    ["stale, changed before it ended", { isVerified: false, recheckAt: NOW }, false, "changed"],
  ])("%s", (_, standing, isConnected, reason) => {
    const held = { ...VERIFIED_NOW, ...standing };
    expect(staleReason(held, streamOf(isConnected), NOW)).toBe(reason);
    expect(servesAtOnce(held, NOW)).toBe(reason !== "changed" && reason !== "due");
  });
});

describe.each([true, false])("states of a time in which nobody heard changes (own stream: %s)", (isConnected) => {
  const NOW = 10_000_000;
  const stream = streamOf(isConnected);
  stream.unheard(NOW - 1_000);
  stream.unheard(NOW - 2_000);

  it("are vouched for by nothing, and verified once", () => {
    expect(stream.vouchesFor(NOW - 1_001, NOW)).toBe(false);
    expect(stream.revisit(NOW - 1_001, NOW)).not.toBe("none");
    expect(stream.trustSince(NOW)).toBeGreaterThanOrEqual(NOW - 1_000);
  });

  it("are no others", () => {
    const fetchedAt = NOW - 500;
    if (isConnected) expect(stream.vouchesFor(fetchedAt, NOW)).toBe(true);
    expect(stream.revisit(fetchedAt, NOW)).toBe("none");
  });
});

describe("states of a process whose updates others bring", () => {
  const stream = () => new StreamStatus(Infinity, MAX_AGE_MS);

  it.each<[when: string, verifiedAgoMs: number, isVouchedFor: boolean]>([
    ["before they fell silent", 60_001, false],
    ["since then, a little while ago", 29_999, true],
    ["since then, longer ago than no change may be missed", 30_001, false],
  ])("are vouched for while these are silent, where verified %s: %s ms ago, %s", (_, agoMs, isVouchedFor) => {
    const others = stream();
    expect(others.vouchesFor(NOW - agoMs, NOW)).toBe(true);
    others.othersHear(false, NOW - 60_000);
    expect(others.vouchesFor(NOW - agoMs, NOW)).toBe(isVouchedFor);
    expect(others.revisit(NOW - agoMs, NOW)).toBe("none");
    others.othersHear(true, NOW);
    expect(others.vouchesFor(NOW - agoMs, NOW)).toBe(true);
  });
});

describe("once the clock has been set back, what had been noted before it", () => {
  const AN_HOUR = 3_600_000;

  it.each<[what: string, note: (stream: StreamStatus, at: number) => void]>([
    ["that nobody heard changes", (stream, at) => stream.unheard(at)],
    ["that the stream was lost", (stream, at) => stream.disconnected(at)],
    ["that others fell silent", (stream, at) => stream.othersHear(false, at)],
  ])("speaks against what is known until now, and not against what is verified later: %s", (_, note) => {
    const stream = new StreamStatus(POLL_MS, MAX_AGE_MS);
    note(stream, NOW + AN_HOUR);
    expect(stream.vouchesFor(NOW - 1, NOW)).toBe(false);
    const later = NOW + 10_000;
    expect(stream.vouchesFor(later, later + 1)).toBe(true);
    expect(stream.revisit(later, later + 1)).toBe("none");
  });
});

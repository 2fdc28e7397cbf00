import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { because } from "../../support/expectations.js";

const REPO = resolve(import.meta.dirname, "../../..");
const LOOKED_THROUGH = [
  "src",
  "test",
  "bench",
  "build",
  "proto/stigg",
  "schema",
  "examples",
  "docs",
  "README.md",
  "CONTRIBUTING.md",
];

interface ReplacedWord {
  readonly pattern: RegExp;
  /** What is written in its place: docs/glossary.md. */
  readonly instead: string;
  /** Where it has another meaning, or is a name that others rely on. */
  readonly allowedIn?: RegExp;
}

const WORDS: readonly ReplacedWord[] = [
  { pattern: /\bmoments?\b/i, instead: "timestamp, or time" },
  {
    pattern: /\bdoubt(s|ed|ful)?\b/i,
    instead: "stale, stale marker",
    allowedIn: /report|outbox|outcome|usage|reliability|sidecar-metrics|docs\/(errors|logs|metrics|glossary)/i,
  },
  { pattern: /\bnews\b/i, instead: "change" },
  { pattern: /\blanes?\b/i, instead: "fast path" },
  { pattern: /\bodd\b/i, instead: "unusual" },
  { pattern: /\bat hand\b/i, instead: "cached" },
  { pattern: /\bovert(ake|akes|aken|ook)\b/i, instead: "supersede, superseded" },
  { pattern: /\bTold\b|\b(const|let|readonly) told\b|\btold(:|\()|\.told\b/, instead: "reported, notified, answered" },
];

const NAMES: readonly ReplacedWord[] = [
  { pattern: /\batHand(WithWallets)?\b/, instead: "findCached" },
  { pattern: /\b(HeldState|FoundState)\b/, instead: "CachedState, StoredState, Lookup" },
  { pattern: /\bonNews\b/, instead: "onChange" },
  { pattern: /\bwithMoments\b|\w*Moments?\b|\bmoment[A-Z]\w*/, instead: "…Timestamp" },
  { pattern: /\b(is|was|isIn|putIn)Doubt\b|\bDOUBT\b|\bDoubts\b/, instead: "markStale, StaleMarkers" },
  { pattern: /\w*[oO]vertak\w*|\bflying\b|\btakeOff\b/, instead: "supersede, inFlight, startFetch" },
  { pattern: /[mM]ayBeBehind/, instead: "mayBeStale, onMaybeStale" },
  { pattern: /\btellsWallets\b/, instead: "includesWallets", allowedIn: /redis\/codec\/sidecar-record\.ts$/ },
  { pattern: /\bkeepsCustomerBeside\b/, instead: "alsoCacheCustomer" },
  { pattern: /\bCarryOutChanges\b|\bgiveBack\b/, instead: "ProcessChanges, release" },
  { pattern: /\b(SweepStates|CacheGate|letGo)\b/, instead: "RefreshAllStates, WriteAvailability, release" },
  { pattern: /\b(awaitTurn|TURN_ALONE)\b|SharedFlights?/, instead: "acquireLease, NO_LEASE, CrossProcessSingleFlight" },
  {
    pattern: /\b(Lane(Caller|Call|Requests)|HotMethod|plainCallOf|answerOdd)\b/,
    instead: "FastPath…, fallbackHandler",
  },
  { pattern: /\b(NodeStreams|NodeSession|nodeTook|peerGoes|sayGoodbye|GOING)\b/, instead: "onGoAway, sendGoAway" },
  {
    pattern: /\b(isWhole|isBehindPseudo|EarlyEnds|wasEarly|contained)\b/,
    instead: "isComplete, ClosedStreams, withErrorBoundary",
  },
  { pattern: /\bcalmCollections\b/, instead: "tuneGarbageCollection" },
  {
    pattern: /\b(KeptTracking|FirstAttempt|AnswersInTime|UsageGuess)\b/,
    instead: "PersistentTracking, InitialConnect, LatencyWatch, UsageKeyPrediction",
  },
  { pattern: /\bfromEdgeAtLast\b/, instead: "edgeAsLastResort" },
  {
    pattern: /\b(interface|type|class) (Frames|Texts|Parts|Reading|Where|Wanted|Brought|Turn|Gate|Told|News)\b/,
    instead: "a name that says of what",
  },
];

const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z", "--", ...LOOKED_THROUGH], {
  cwd: REPO,
  encoding: "utf8",
})
  .split("\0")
  .filter(
    (file) =>
      /\.(ts|js|mjs|cts|json|svg|md|proto|yaml|sh|java|go|py|rs)$/.test(file) &&
      !file.startsWith("test/unit/house/") &&
      !file.startsWith("test/fixtures/"),
  );

describe.each([
  ["words", WORDS],
  ["names", NAMES],
])("%s that the glossary replaced do not come back:", (_, replaced) => {
  it.each(replaced.map((word) => [String(word.pattern), word] as const))(
    "%s",
    (_pattern, { pattern, instead, allowedIn }) => {
      const found: string[] = [];
      for (const file of files) {
        if (allowedIn?.test(file) === true) continue;
        const lines = readFileSync(resolve(REPO, file), "utf8").split("\n");
        for (const [index, line] of lines.entries())
          if (pattern.test(line)) found.push(`${file}:${index + 1}: ${line.trim()}`);
      }
      because(`write: ${instead}`, () => expect(found).toEqual([]));
    },
  );
});

it("no file is named by a word that the glossary replaced", () => {
  expect(
    files.filter((file) =>
      /(^|[.-])(moments?|doubts?|news|lanes?|odd|told|overtaken|calm)([.-]|$)/.test(basename(file)),
    ),
  ).toEqual([]);
});

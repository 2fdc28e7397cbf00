/**
 * `npm run reliability [-- --seeds N --minutes M --for SECONDS]`: simulates a fleet under each class of faults, and writes
 * docs/reliability.md: what nobody publishes of a service like this. With --for it ends in time, and goes on the next time.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildSimulation } from "./build.js";

const OUT = fileURLToPath(new URL("../../docs/reliability.md", import.meta.url));
const CLASSES = {
  "nothing fails": [],
  "sidecars crash, stop for a while, or have a wrong clock": ["crash", "pause", "clock-step"],
  "Redis is away, emptied, older, slow, cut off, read-only, without scripts": [
    "redis-down",
    "redis-emptied",
    "redis-old",
    "redis-slow",
    "redis-cut",
    "redis-half-cut",
    "redis-read-only",
    "redis-without-scripts",
  ],
  "the update stream is dropped, cut off, away, or loses events": [
    "stream-dropped",
    "stream-cut",
    "stream-down",
    "events-lost",
  ],
  "Edge is behind, fails or hangs": ["edge-behind", "edge-503", "edge-hangs"],
  "the API fails, hangs, throttles or loses answers": ["api-503", "api-hangs", "api-429", "answers-lost"],
  "all of upstream is cut off": ["upstream-cut"],
  "all of these": undefined,
};

const args = process.argv.slice(2);
const number = (name, otherwise) => Number(args.includes(name) ? args[args.indexOf(name) + 1] : otherwise);
const seeds = number("--seeds", 2);
const minutes = number("--minutes", 120);
const endsAt = performance.now() + number("--for", Infinity) * 1_000;
const program = await buildSimulation(`reliability-${process.pid}`);
const { run } = await import(pathToFileURL(program).href);

/** What was measured with the same program is not measured again: a long table is made in pieces. */
const folder = fileURLToPath(new URL("../../node_modules/.cache/entitlement-sidecar/", import.meta.url));
mkdirSync(folder, { recursive: true });
const memory = `${folder}reliability-${createHash("sha256").update(readFileSync(program)).digest("hex").slice(0, 16)}-${minutes}.json`;
const measured = remembered();

const rows = Object.keys(CLASSES).map((name) => [name, emptySum()]);
for (let seed = 1; seed <= seeds; seed++) {
  for (const [name, sum] of rows) {
    const key = `${seed} ${name}`;
    if (measured[key] === undefined && performance.now() < endsAt) {
      measured[key] = await measure(seed, CLASSES[name]);
      writeFileSync(memory, JSON.stringify(measured));
      if (measured[key].broken > 0) process.stderr.write(`BROKEN by seed ${seed}: ${name}\n`);
    }
    if (measured[key] !== undefined) add(sum, measured[key]);
  }
}

function remembered() {
  try {
    return JSON.parse(readFileSync(memory, "utf8"));
  } catch {
    return {};
  }
}

function emptySum() {
  return {
    seeds: 0,
    checks: 0,
    fallbacks: 0,
    wrongDenials: 0,
    wrongGrants: 0,
    longestGrant: 0,
    longestDenial: 0,
    reports: 0,
    lost: 0,
    doubled: 0,
    ambiguous: 0,
    broken: 0,
  };
}

function add(sum, one) {
  for (const name of Object.keys(sum))
    sum[name] = name.startsWith("longest") ? Math.max(sum[name], one[name]) : sum[name] + one[name];
}

async function measure(seed, kinds) {
  const { tallies, reports, violations } = await run({
    seed,
    lengthMs: minutes * 60_000,
    sidecars: 5,
    customers: 300,
    checksPerSecond: 3,
    faultsPerHour: kinds?.length === 0 ? 0 : 20,
    ...(kinds === undefined || kinds.length === 0 ? {} : { kinds }),
  });
  const sum = { ...emptySum(), seeds: 1 };
  for (const tally of tallies.values()) {
    sum.checks += tally.checks;
    sum.fallbacks += tally.fallbacks;
    sum.wrongDenials += tally.wrongDenials;
    sum.wrongGrants += tally.wrongGrants;
    sum.longestGrant = Math.max(sum.longestGrant, tally.longestWrongGrantMs);
    sum.longestDenial = Math.max(sum.longestDenial, tally.longestWrongDenialMs);
  }
  sum.reports += reports.acknowledged + reports.refused + reports.ambiguous + reports.notCounted;
  sum.lost += reports.lost;
  sum.doubled += reports.doubled;
  sum.ambiguous += reports.ambiguous;
  sum.broken += violations.length;
  return sum;
}

const perMillion = (count, of) => (of === 0 ? "–" : Math.round((count / of) * 1e6).toLocaleString("en"));
const seconds = (ms) => (ms === 0 ? "–" : `${(ms / 1_000).toFixed(1)} s`);
const table = rows.map(
  ([name, sum]) =>
    `| ${name} | ${sum.seeds} | ${sum.checks.toLocaleString("en")} | ${perMillion(sum.fallbacks, sum.checks)} | ${perMillion(sum.wrongDenials, sum.checks)} | ${seconds(sum.longestDenial)} | ${perMillion(sum.wrongGrants, sum.checks)} | ${seconds(sum.longestGrant)} | ${perMillion(sum.lost, sum.reports)} | ${perMillion(sum.doubled, sum.reports)} | ${perMillion(sum.ambiguous, sum.reports)} | ${sum.broken} |`,
);

function commit() {
  const git = (...of) => execFileSync("git", of, { encoding: "utf8" }).trim();
  return `commit ${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain", "--", "src", "test") === "" ? "" : " and what was not committed yet"}`;
}

writeFileSync(
  OUT,
  `# How often it is wrong

Made by \`npm run reliability -- --seeds ${seeds} --minutes ${minutes}\` at ${commit()}: a simulated fleet (docs/simulation.md) of 5 sidecars, 3 in memory and 2 on one Redis, 300 customers whose entitlements change 240 times an hour, 20 faults an hour of the class. The product's own code; virtual time, network and servers.

Per million checks, or per million reports. A denial is wrong where the customer has access by the present truth, a grant where it has none any more; the time is how long before the answer the truth had changed. A fallback is an answer without any state: its denials are counted as wrong where the customer has access. *In doubt*: the caller was told that it is not known whether the report counts. *Broken*: rules of the simulation that did not hold.

| what fails | seeds | checks | fallbacks | wrong denials | at the longest | wrong grants | at the longest | reports lost | refused, and counted | in doubt | broken |
| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |
${table.join("\n")}
`,
);

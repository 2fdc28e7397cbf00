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
  "the update stream is dropped, cut off or away": ["stream-dropped", "stream-cut", "stream-down"],
  "the update stream leaves events out, without a word": ["events-lost"],
  "Edge is behind, fails or hangs": ["edge-behind", "edge-503", "edge-hangs"],
  "the API fails, hangs, throttles or loses answers": ["api-503", "api-hangs", "api-429", "answers-lost"],
  "all of upstream is cut off": ["upstream-cut"],
};
const ALL = "all of these, each as often as in its own row";
const FAULTS_PER_HOUR = 20;

/** Each class with the same chance, however many kinds are in it. */
function ofAll() {
  const classes = Object.values(CLASSES).filter(({ length }) => length > 0);
  const times = 24;
  return classes.flatMap((kinds) => Array.from({ length: times }, (_, index) => kinds[index % kinds.length]));
}

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

const rows = [...Object.keys(CLASSES), ALL].map((name) => [name, emptySum()]);
for (let seed = 1; seed <= seeds; seed++) {
  for (const [name, sum] of rows) {
    const key = `${seed} ${name}`;
    if (measured[key] === undefined && performance.now() < endsAt) {
      measured[key] = await measure(seed, name);
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
    deniedByFallback: 0,
    wrongGrants: 0,
    longestGrant: 0,
    longestDenial: 0,
    longestVouched: 0,
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

async function measure(seed, name) {
  const kinds = name === ALL ? ofAll() : CLASSES[name];
  const classes = Object.keys(CLASSES).length - 1;
  const { tallies, reports, violations } = await run({
    seed,
    lengthMs: minutes * 60_000,
    sidecars: 5,
    customers: 300,
    checksPerSecond: 3,
    faultsPerHour: kinds.length === 0 ? 0 : FAULTS_PER_HOUR * (name === ALL ? classes : 1),
    ...(kinds.length === 0 ? {} : { kinds }),
  });
  const sum = { ...emptySum(), seeds: 1 };
  for (const tally of tallies.values()) {
    sum.checks += tally.checks;
    sum.fallbacks += tally.fallbacks;
    sum.wrongDenials += tally.wrongDenials;
    sum.deniedByFallback += tally.deniedByFallback;
    sum.wrongGrants += tally.wrongGrants;
    sum.longestVouched = Math.max(sum.longestVouched, tally.longestVouchedMs);
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
    `| ${name} | ${sum.seeds} | ${sum.checks.toLocaleString("en")} | ${perMillion(sum.fallbacks, sum.checks)} | ${perMillion(sum.deniedByFallback, sum.checks)} | ${perMillion(sum.wrongDenials - sum.deniedByFallback, sum.checks)} | ${seconds(sum.longestDenial)} | ${perMillion(sum.wrongGrants, sum.checks)} | ${seconds(sum.longestGrant)} | ${seconds(sum.longestVouched)} | ${perMillion(sum.lost, sum.reports)} | ${perMillion(sum.doubled, sum.reports)} | ${perMillion(sum.ambiguous, sum.reports)} | ${sum.broken} |`,
);

function commit() {
  const git = (...of) => execFileSync("git", of, { encoding: "utf8" }).trim();
  return `commit ${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain", "--", "src", "test") === "" ? "" : " and what was not committed yet"}`;
}

writeFileSync(
  OUT,
  `# How often it is wrong

Made by \`npm run reliability -- --seeds ${seeds} --minutes ${minutes}\` at ${commit()}: a simulated fleet (docs/simulation.md) of 5 sidecars, 3 in memory and 2 on one Redis, 300 customers whose entitlements change 240 times an hour, ${FAULTS_PER_HOUR} faults an hour of the class, each of up to two minutes; the last twenty minutes are without any. The product's own code; virtual time, network and servers.

Per million checks, or per million reports. A denial is wrong where the customer has access by the present truth, a grant where it has none any more; the time is how long before the answer the truth had changed. A fallback is an answer without any state, where nothing is known of the customer and nobody can be asked; it denies, and is wrong where the customer has access. *In doubt*: the caller was told that it is not known whether the report counts. *Broken*: rules of the simulation that did not hold.

How long a wrong answer can be wrong: an answer from a state that nothing vouches for says \`stale\`, and asks behind it, so that the next one is right wherever upstream can be asked. What a stream that is away hides is asked for every 30 s by whoever is asked for; what it leaves out without a word nobody can know of, and \`MAX_STATE_AGE_MS\` (ten minutes, \`docs/configuration.md\`) is the bound. A customer that was asked for by nobody in that time is answered once by what is known, however old that is, and said to be stale: the longest times in the table are such answers, and the last of the times is the longest without them.

| what fails | seeds | checks | fallbacks | of them wrong | wrong denials by a state | at the longest | wrong grants | at the longest | of both, not said to be stale | reports lost | refused, and counted | in doubt | broken |
| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |
${table.join("\n")}
`,
);

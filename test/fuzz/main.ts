import { openSync } from "node:fs";
import { devNull } from "node:os";
import { parseArgs } from "node:util";
import { SeededRandom } from "../faults/seeded-random.js";
import { TARGETS } from "./all-targets.js";
import { Corpus } from "./corpus.js";
import { Coverage } from "./coverage.js";
import type { FuzzTarget } from "./fuzz-target.js";
import { type Finding, Fuzzer } from "./fuzzer.js";

/** How long one target runs before it is another's turn. */
const TURN_MS = 500;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    target: { type: "string", multiple: true },
    input: { type: "string" },
    corpus: { type: "string", default: "" },
    current: { type: "string", default: devNull },
  },
});
const corpus = new Corpus(values.corpus);
const names = values.target ?? [...TARGETS.keys()];
const unexpected: Error[] = [];
process.on("unhandledRejection", (reason) =>
  unexpected.push(new Error(`a promise was rejected and nobody heard it: ${String(reason)}`, { cause: reason })),
);
process.on("uncaughtException", (error) =>
  unexpected.push(new Error(`an exception that nothing caught: ${String(error)}`, { cause: error })),
);

const targets: FuzzTarget[] = [];
for (const name of names) {
  const make = TARGETS.get(name);
  if (make === undefined) throw new Error(`there is no target ${name}; targets are ${[...TARGETS.keys()].join(", ")}`);
  targets.push(watched(await make()));
}
process.exit(values.input === undefined ? await fuzz(Number(positionals[0] ?? "60")) : await replay(values.input));

/** Runs one input of one target, as a finding says it. */
async function replay(hex: string): Promise<number> {
  const [target] = targets;
  if (target === undefined || targets.length > 1) throw new Error("--input needs one --target");
  const input = Buffer.from(hex, "hex");
  try {
    await target.run(input);
  } catch (error) {
    say(describe(target.name, error as Error));
    return 1;
  }
  say("nothing is found");
  return 0;
}

async function fuzz(seconds: number): Promise<number> {
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
  const random = new SeededRandom(seed);
  const currentFile = openSync(values.current, "w");
  const coverage = new Coverage(import.meta.url);
  const until = performance.now() + seconds * 1_000;
  say(`Node ${process.versions.node}, seed ${seed}, ${seconds} s over ${names.join(", ")}`);
  const fuzzers: Fuzzer[] = [];
  for (const target of targets) {
    const known = await corpus.of(target.name);
    const fuzzer = new Fuzzer(target, random.fork(), coverage, [...known.values()], currentFile);
    for (const input of known.values()) {
      const error = await fuzzer.try(input);
      if (error !== undefined) return report({ target: target.name, input, error });
    }
    fuzzers.push(fuzzer);
  }
  while (performance.now() < until) {
    for (const fuzzer of fuzzers) {
      const finding = await fuzzer.runFor(Math.min(TURN_MS, until - performance.now()));
      if (finding !== undefined) return report(finding);
    }
  }
  for (const { target, inputs, kept } of fuzzers)
    say(`${target.name.padEnd(12)} ${inputs.toLocaleString("en-US").padStart(10)} inputs, ${kept} kept`);
  say(`${coverage.blocks} blocks of code ran; nothing is found`);
  return 0;
}

async function report({ target, input, error }: Finding): Promise<number> {
  const path = await corpus.add(target, input);
  say(describe(target, error));
  say(`kept as ${path}; once more: npm run fuzz -- --target ${target} --input ${Buffer.from(input).toString("hex")}`);
  return 1;
}

function describe(target: string, error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack ?? error.cause.message}` : "";
  return `FOUND by ${target}: ${error.stack ?? error.message}${cause}`;
}

/** The same target, to which also belongs what goes wrong in this process beside its own calls. */
function watched(target: FuzzTarget): FuzzTarget {
  return {
    ...target,
    async run(input) {
      await target.run(input);
      const [error] = unexpected.splice(0);
      if (error !== undefined) throw error;
    },
  };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

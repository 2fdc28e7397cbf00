import type { Difference, Kind } from "./kind.js";
import { KINDS } from "./kinds/all-kinds.js";
import { Random, seedOf } from "./random.js";
import { shrink } from "./shrink.js";

export interface Found {
  readonly kind: string;
  /** Shrunk. */
  readonly testCase: unknown;
  readonly difference: Difference;
}

export interface ModelRun {
  readonly cases: number;
  readonly byKind: ReadonlyMap<string, number>;
  readonly found: readonly Found[];
}

/** After so many differences the rest says nothing new. */
const MAX_FOUND = 20;

/**
 * Compares product and model in so many cases.
 *
 * @param seed the same one gives the same cases
 */
export async function compare(
  cases: number,
  seed: number,
  kinds: readonly Kind[] = KINDS,
  onProgress: (done: number) => void = () => undefined,
  maxFound = MAX_FOUND,
): Promise<ModelRun> {
  const found: Found[] = [];
  const byKind = new Map<string, number>();
  const shares = kinds.reduce((sum, { share }) => sum + share, 0);
  let done = 0;
  for (; done < cases && found.length < maxFound; done++) {
    const random = new Random(seedOf(seed, done));
    const kind = kindAt(kinds, random.next() * shares);
    byKind.set(kind.name, (byKind.get(kind.name) ?? 0) + 1);
    const testCase = kind.generate(random);
    const difference = await differenceOf(kind, testCase);
    if (difference !== undefined) found.push(await shrunk(kind, testCase, difference));
    if (done % 100_000 === 0) onProgress(done);
  }
  return { cases: done, byKind, found };
}

/** @param json of a case, as it was printed */
export async function repeat(kindName: string, json: string): Promise<Difference | undefined> {
  const kind = KINDS.find(({ name }) => name === kindName);
  if (kind === undefined)
    throw new Error(`there is no kind ${kindName}; there are ${KINDS.map(({ name }) => name).join(", ")}`);
  return differenceOf(kind, JSON.parse(json));
}

async function differenceOf(kind: Kind, testCase: unknown): Promise<Difference | undefined> {
  try {
    return await kind.run(testCase);
  } catch (error) {
    return {
      at: "an exception",
      product: error instanceof Error ? (error.stack ?? error.message) : String(error),
      model: undefined,
    };
  }
}

async function shrunk(kind: Kind, testCase: unknown, first: Difference): Promise<Found> {
  let difference = first;
  const smallest = await shrink(testCase, async (smaller) => {
    const stillThere = await differenceOf(kind, smaller);
    // Another fault than the one that was found is not what is looked for.
    if (stillThere === undefined || (stillThere.at === "an exception") !== (first.at === "an exception")) return false;
    difference = stillThere;
    return true;
  });
  return { kind: kind.name, testCase: smallest, difference };
}

function kindAt(kinds: readonly Kind[], at: number): Kind {
  let left = at;
  for (const kind of kinds) if ((left -= kind.share) < 0) return kind;
  return kinds[0] as Kind;
}

const USAGE =
  "usage: npm run model -- [--cases N] [--seed S] [--kind NAME]… [--equal] [--max-found N] [--case JSON with one --kind]\n";

/** @returns the exit code: 1 where a difference was found */
export async function main(args: readonly string[]): Promise<number> {
  const valueOf = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const named = args.flatMap((arg, index) => (arg === "--kind" ? (args[index + 1] ?? []) : []));
  const chosen = named.length === 0 ? KINDS : KINDS.filter(({ name }) => named.includes(name));
  const kinds = args.includes("--equal") ? chosen.map((kind) => ({ ...kind, share: 1 })) : chosen;
  const cases = Number(valueOf("--cases") ?? 1_000_000);
  const seed = Number(valueOf("--seed") ?? Math.floor(Math.random() * 2 ** 32));
  const json = valueOf("--case");
  if (kinds.length === 0 || !Number.isInteger(cases) || !Number.isInteger(seed)) {
    process.stderr.write(USAGE);
    return 64;
  }
  if (json !== undefined) {
    const difference = await repeat(kinds[0]?.name ?? "", json);
    process.stdout.write(
      difference === undefined
        ? "product and model agree\n"
        : tell({ kind: kinds[0]?.name ?? "", testCase: JSON.parse(json), difference }),
    );
    return difference === undefined ? 0 : 1;
  }
  const begin = performance.now();
  const rate = (done: number) => Math.round(done / ((performance.now() - begin) / 1_000));
  const { byKind, found, ...run } = await compare(
    cases,
    seed,
    kinds,
    (done) => done > 0 && process.stderr.write(`${done} cases, ${rate(done)}/s\n`),
    Number(valueOf("--max-found") ?? MAX_FOUND),
  );
  const shares = [...byKind].map(([name, count]) => `${name} ${count}`).join(", ");
  process.stdout.write(
    `seed ${seed}: ${run.cases} cases (${shares}), ${rate(run.cases)} cases/s, ${found.length} differences\n`,
  );
  for (const each of found) process.stdout.write(tell(each));
  return found.length === 0 ? 0 : 1;
}

function tell({ kind, testCase, difference }: Found): string {
  const command = `npm run model -- --kind ${kind} --case '${JSON.stringify(testCase).replaceAll("'", "'\\''")}'`;
  return `\n${kind}: at ${difference.at}\n  product ${text(difference.product)}\n  model   ${text(difference.model)}\n  ${command}\n`;
}

function text(value: unknown): string {
  return typeof value === "string" || value === undefined ? String(value) : JSON.stringify(value);
}

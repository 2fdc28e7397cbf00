import { copyFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { type Mutant, plantingPlugin } from "../../mutants/plant.js";

const REPO = resolve(import.meta.dirname, "../../..");
/** Beneath the packages that the programs ask for. */
const FOLDER = join(REPO, "node_modules", ".cache", "entitlement-sidecar", "broken-sidecars");

/** A sidecar that is wrong in one way, and the cases that have to say so. */
export interface BrokenSidecar extends Mutant {
  readonly breaks: readonly string[];
}

export const BROKEN_SIDECARS: readonly BrokenSidecar[] = [
  {
    name: "its limits are off by one",
    file: "decide-feature.ts",
    search: "fitsInto(limit, used, requestedAmount(query))",
    replace: "fitsInto(limit + 1, used, requestedAmount(query))",
    breaks: [
      "metered features: what is above the limit by one is denied",
      "metered features: a fraction too much is denied",
      "metered features: of a limit of 0 nothing is left",
      "metered features: GetEntitlement decides the same",
      "metered features: GetEntitlementV2 decides the same",
      "resources: a resource has its own plan and usage",
      "reasons of denials: without a limit nothing is granted",
      "credits: its own limit counts as well",
      "usage periods: usage of a period that is not over counts",
      "reports of usage: the limit counts what was reported",
      "reports in bulk: each is answered in its place, and counted by the next check",
    ],
  },
  {
    name: "it does not honour the fallback of the call",
    file: "fallback.ts",
    search: "return requested ?? configured ?? DENY_FALLBACK;",
    replace: "return configured ?? DENY_FALLBACK;",
    breaks: [
      "features of another kind: GetBooleanEntitlement answers the call's fallback",
      "features of another kind: GetNumericEntitlement answers the call's fallback",
      "features of another kind: GetMeteredEntitlement answers the call's fallback",
      "features of another kind: GetEnumEntitlement answers the call's fallback",
      "fallbacks: GetBooleanEntitlement answers the call's",
      "fallbacks: GetNumericEntitlement answers the call's",
      "fallbacks: GetMeteredEntitlement answers the call's",
      "fallbacks: GetMeteredEntitlement takes 1 for requested where nothing is",
      "fallbacks: GetEnumEntitlement answers the call's",
      "fallbacks: GetEntitlement answers the call's, as metered where a usage is requested",
      "fallbacks: GetEntitlement answers the call's, as numeric where it has a value",
      "fallbacks: GetEntitlement answers the call's, as an enum where it has values",
      "fallbacks: GetEntitlement answers the call's, else as a boolean",
      "fallbacks: GetEntitlementV2 grants without a reason",
      "fallbacks: GetEntitlementV2 answers for credits",
      "configured fallbacks: the call's own goes first",
    ],
  },
  {
    name: "it is stale after an update",
    file: "follow-updates.ts",
    search: 'if (change.type !== "package-published") this.#apply(change);',
    replace: 'if (change.type === "usage-updated") this.#apply(change);',
    breaks: [
      "updates: another limit is heard of",
      "updates: what is revoked is denied",
      "updates: another plan is heard of, at a resource as well",
      "updates: credits that are granted can be used",
      "updates: a customer that is archived is denied",
      "updates: a customer that comes into being is known to who asked in vain",
    ],
  },
  {
    name: "its usage periods end an hour late",
    file: "usage-period.ts",
    search: "return { start, end: start + stepMs };",
    replace: "return { start, end: start + stepMs + HOUR_MS };",
    breaks: [
      "usage periods: getMeteredEntitlement: usage of a period that is over counts no more",
      "usage periods: getEntitlement: usage of a period that is over counts no more",
      "usage periods: getEntitlementV2: usage of a period that is over counts no more",
    ],
  },
  {
    name: "what it reports counts for nothing",
    file: "graphql-client.ts",
    search: "    value: report.value,\n",
    replace: "    value: 0,\n",
    breaks: [
      "reports of usage: what is added is told, and counted by the next check",
      "reports of usage: upstream has counted it",
      "reports of usage: a negative value gives back",
      "reports of usage: SET replaces what was counted",
      "reports of usage: the limit counts what was reported",
      "reports of usage: in a usage period it tells the period",
      "reports of usage: credits that pay for it are drawn",
      "reports in bulk: each is answered in its place, and counted by the next check",
    ],
  },
];

/** @returns the program: the product's own, with the fault in it */
export async function buildBroken(broken: BrokenSidecar): Promise<string> {
  // As deep as in the package, whose description is read from there.
  const programs = join(FOLDER, "dist", "bootstrap");
  mkdirSync(programs, { recursive: true });
  copyFileSync(join(REPO, "package.json"), join(FOLDER, "package.json"));
  const program = join(programs, `${broken.name.replaceAll(" ", "-")}.mjs`);
  const planting = plantingPlugin(broken);
  await build({
    entryPoints: [join(REPO, "src/bootstrap/cli.ts")],
    outfile: program,
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node20.19",
    logLevel: "warning",
    plugins: [planting.plugin],
  });
  if (!planting.planted()) throw new Error(`"${broken.name}" does not fit ${broken.file} any more`);
  return program;
}

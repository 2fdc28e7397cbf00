import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CatalogEngine } from "../../adapters/catalog/engine/catalog-engine.js";
import { openCatalog } from "../../adapters/catalog/engine/open-catalog.js";
import { readOnce } from "../../adapters/files/open-to-read.js";
import { FoldingLogger } from "../../adapters/ops/folding-logger.js";
import { SystemClock } from "../../adapters/ops/system-clock.js";
import { WinstonLogger } from "../../adapters/ops/winston-logger.js";
import { type AccessChange, compareAccess } from "../../domain/decision/compare-access.js";
import { CodedError } from "../../domain/errors.js";
import { COMMAND_EXIT_CODES, type Output } from "./output.js";
import { parseCommandLine, UsageError } from "./parse-command-line.js";

export const WHATIF_SYNTAX = {
  positionals: [],
  options: {
    catalog: { type: "string" },
    from: { type: "string" },
    state: { type: "string" },
    customers: { type: "string" },
    json: { type: "boolean" },
  },
} as const;

/** Customers between two lines of progress on a terminal. */
const PROGRESS_STEP = 10_000;

/** Compares what customers may do under two catalogs, with the same usage. Exit code 0: nobody loses, 1: somebody does. */
export async function whatifCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const { values } = parseCommandLine(args, WHATIF_SYNTAX);
  const to = values.catalog;
  const from = values.from ?? environment["CATALOG_FILE"];
  if (to === undefined) throw new UsageError("missing: --catalog <file>, the catalog that might be served");
  if (from === undefined || from === "")
    throw new UsageError("missing: --from <file>, the catalog that is served now (else CATALOG_FILE)");
  const folder = await mkdtemp(join(tmpdir(), "whatif-"));
  const engines: CatalogEngine[] = [];
  try {
    // The state file belongs to the service that runs: what is read is a copy.
    const stateFile = values.state ?? environment["CATALOG_STATE_FILE"];
    const isNamed = values.state !== undefined;
    const open = async (file: string, copy: string) => {
      if (stateFile !== undefined && stateFile !== "") await copyState(stateFile, join(folder, copy), isNamed);
      const engine = await openCatalog({
        source: { file },
        stateFile: stateFile === undefined || stateFile === "" ? undefined : join(folder, copy),
        ...services(),
      });
      engines.push(engine);
      return engine;
    };
    const [before, after] = [await open(from, "before"), await open(to, "after")];
    return await report(
      before,
      after,
      await customersIn(values.customers ?? "all", before, after),
      values.json === true,
      output,
    );
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    output.err(`error: ${error.message}`);
    return COMMAND_EXIT_CODES.error;
  } finally {
    for (const engine of engines) await engine.close();
    await rm(folder, { recursive: true });
  }
}

async function report(
  before: CatalogEngine,
  after: CatalogEngine,
  customers: Iterable<string>,
  isJson: boolean,
  output: Output,
): Promise<number> {
  const now = Date.now();
  let [looked, gains, losses] = [0, 0, 0];
  for (const customerId of customers) {
    const resources = new Set([
      ...(before.model.customers.get(customerId)?.resources.keys() ?? []),
      ...(after.model.customers.get(customerId)?.resources.keys() ?? []),
    ]);
    for (const resourceId of [undefined, ...resources]) {
      const subject = { customerId, resourceId };
      for (const change of compareAccess(before.stateOf(subject), after.stateOf(subject), now)) {
        if (change.is === "gain") gains++;
        if (change.is === "loss") losses++;
        output.out(isJson ? JSON.stringify({ ...subject, ...change }) : describe(customerId, resourceId, change));
      }
    }
    if (++looked % PROGRESS_STEP === 0) {
      if (process.stderr.isTTY) output.err(`${looked} customers compared`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  output.err(`${looked} ${looked === 1 ? "customer" : "customers"} compared: ${gains} gains, ${losses} losses`);
  return losses === 0 ? COMMAND_EXIT_CODES.valid : COMMAND_EXIT_CODES.invalid;
}

function describe(
  customerId: string,
  resourceId: string | undefined,
  { is, type, id, before, after }: AccessChange,
): string {
  return `${is.padEnd(6)} ${customerId}${resourceId === undefined ? "" : ` ${resourceId}`} ${id}${type === "credit" ? " (credits)" : ""}: ${before} -> ${after}`;
}

/** @param isNamed a service that has not counted yet has no state file, but who names one means one that is there */
async function copyState(stateFile: string, to: string, isNamed: boolean): Promise<void> {
  try {
    await copyFile(stateFile, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && !isNamed) return;
    throw new CodedError(
      "failed-precondition",
      `the state file ${stateFile} cannot be read: ${(error as Error).message}; correct the path or its permissions`,
      { cause: error },
    );
  }
}

async function customersIn(which: string, before: CatalogEngine, after: CatalogEngine): Promise<Iterable<string>> {
  if (which === "all") return new Set([...before.model.customers.keys(), ...after.model.customers.keys()]);
  let text: string;
  try {
    text = (await readOnce(which)).toString("utf8");
  } catch (error) {
    throw new UsageError(
      `--customers must be "all" or a file with an id in each line; ${which} cannot be read: ${(error as Error).message}`,
    );
  }
  const ids = new Set(
    text
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== ""),
  );
  if (ids.size === 0) throw new UsageError(`--customers: ${which} has no customer; write an id in each line`);
  for (const id of ids) {
    if (before.model.customers.get(id) === undefined && after.model.customers.get(id) === undefined)
      throw new UsageError(`--customers: neither catalog has ${JSON.stringify(id)}, which ${which} names; correct it`);
  }
  return ids;
}

function services() {
  const clock = new SystemClock();
  return {
    clock,
    logger: new FoldingLogger(
      new WinstonLogger({
        level: "error",
        messageKey: "msg",
        errorKey: "err",
        secrets: [],
        output: process.stderr,
        clock,
      }),
      clock,
    ),
  };
}

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { Child, REPO } from "../../bench/processes/child.js";
import { goBeforeOthers } from "../../bench/processes/precedence.js";
import { type Certificate, Certificates } from "../integration/listener/certificates.js";
import type { AttackClass } from "./attack-class.js";
import { ATTACK_CLASSES } from "./classes/all-classes.js";
import { type AttackOptions, AttackUsageError, parseCommandLine } from "./command-line.js";
import { missedBounds, type Outcome } from "./outcome.js";
import { AttackedServer, type Contestant } from "./processes/attacked-server.js";
import { AttackerProcess } from "./processes/attacker-process.js";
import { putFirst } from "./processes/priority.js";
import { markdownTable, type Row } from "./table.js";
import { type Crew, type Timing, tryClass } from "./try-class.js";

const EXIT_CODES = { ok: 0, missed: 1, usage: 2 } as const;
const DOCUMENT = resolve(REPO, "docs/security.md");

/**
 * Attacks servers of its own by every class that is asked for, and prints one table.
 *
 * @returns the exit code: whether every bound held
 */
export async function main(argv: readonly string[]): Promise<number> {
  let options: AttackOptions;
  try {
    options = parseCommandLine(
      argv,
      ATTACK_CLASSES.map(({ name }) => name),
    );
  } catch (error) {
    if (!(error instanceof AttackUsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return EXIT_CODES.usage;
  }
  if (!options.isSmoke) goBeforeOthers();
  const begunAt = performance.now();
  const rows = await tryAll(options);
  const held = rows.filter(({ service }) => missedBounds(service).length === 0).length;
  const text = `${headerOf(options, rows)}\n\n${markdownTable(rows)}`;
  process.stdout.write(text);
  process.stderr.write(
    `${held} of ${rows.length} classes held, in ${((performance.now() - begunAt) / 1_000).toFixed(0)} s\n`,
  );
  if (options.writesTable) {
    const document = readFileSync(DOCUMENT, "utf8");
    writeFileSync(DOCUMENT, document.replace(tableOf(versionOf(options.node)), `\n${text}\n`));
  }
  return held === rows.length ? EXIT_CODES.ok : EXIT_CODES.missed;
}

async function tryAll(options: AttackOptions): Promise<Row[]> {
  const certificates = new Certificates();
  const watcher = Child.part(resolve(import.meta.dirname, "processes/watcher.ts"), "serveWatches", { core: "any" });
  const attacker = new AttackerProcess();
  const servers = new AttackedServers(options, certificates.selfSigned(), attacker);
  try {
    await watcher.message();
    putFirst(watcher.pid);
    const rows: Row[] = [];
    for (const attackClass of ATTACK_CLASSES) {
      if (options.names.length > 0 && !options.names.includes(attackClass.name)) continue;
      const service = await tryOne("service", attackClass, servers, { attacker, watcher }, options);
      const peer = options.isSmoke
        ? undefined
        : await tryOne("peer", attackClass, servers, { attacker, watcher }, options);
      rows.push({ attackClass, service, peer });
    }
    return rows;
  } finally {
    await Promise.all([servers.end(), attacker.stop(), watcher.stop()]);
    certificates.remove();
  }
}

async function tryOne(
  contestant: Contestant,
  { name, leastMs = 0 }: AttackClass,
  servers: AttackedServers,
  crew: Crew,
  options: AttackOptions,
): Promise<Outcome> {
  const server = await servers.take(contestant);
  const outcome = await tryClass(name, server, crew, timing(options, leastMs));
  await servers.leave(server);
  process.stderr.write(`${describe(contestant, name, outcome)}\n`);
  return outcome;
}

/** A server for each class, warmed up; where it is shared one of each kind for as long as it lasts. */
class AttackedServers {
  readonly #options: AttackOptions;
  readonly #certificate: Certificate;
  readonly #attacker: AttackerProcess;
  readonly #kept = new Map<Contestant, AttackedServer>();

  constructor(options: AttackOptions, certificate: Certificate, attacker: AttackerProcess) {
    this.#options = options;
    this.#certificate = certificate;
    this.#attacker = attacker;
  }

  async take(contestant: Contestant): Promise<AttackedServer> {
    const kept = this.#kept.get(contestant);
    if (kept !== undefined) return kept;
    const server = await AttackedServer.start(contestant, this.#options.node, this.#certificate);
    this.#kept.set(contestant, server);
    await this.#attacker.warmUp(server.target);
    return server;
  }

  async leave(server: AttackedServer): Promise<void> {
    if (!this.#options.isShared || server.ended !== undefined) await this.end();
  }

  async end(): Promise<void> {
    await Promise.all([...this.#kept.values()].map((server) => server.stop()));
    this.#kept.clear();
  }
}

function timing({ isSmoke, attackMs }: AttackOptions, leastMs: number): Timing {
  return isSmoke
    ? { quietMs: 100, attackMs, afterMs: 100 }
    : { quietMs: 500, attackMs: Math.max(attackMs, leastMs), afterMs: 1_000 };
}

function describe(contestant: Contestant, name: string, outcome: Outcome): string {
  const { watch, report, residentGrowth, heapBefore, heapAfter, serverWaitedMs, failure } = outcome;
  const missed = missedBounds(outcome);
  const sent = report === undefined ? "" : `${report.connections} connections, ${(report.bytes / 1e6).toFixed(1)} MB`;
  const memory = `+${(residentGrowth / 1e6).toFixed(0)} MB, heap ${(heapBefore / 1e6).toFixed(1)} → ${(heapAfter / 1e6).toFixed(1)} MB`;
  const innocents =
    report === undefined || report.innocents.opened === 0
      ? ""
      : `, innocents ${report.innocents.answered}/${report.innocents.opened}`;
  const lag = `client lag ${watch.lagMs.toFixed(0)} ms, server without processor ${serverWaitedMs.toFixed(0)} ms`;
  const failures = Object.entries(watch.failures)
    .map(([what, count]) => `\n    ${count} × ${what}`)
    .join("");
  const why = failure === undefined ? "" : `\n    ${failure}`;
  return `${missed.length === 0 ? "held  " : "MISSED"} ${contestant} ${name}: ${watch.late + watch.failed} of ${watch.checks} late, longest ${watch.longestMs.toFixed(0)} ms, ${memory}${innocents}; ${sent}; ${lag}${missed.length === 0 ? "" : `\n    ${missed.join("; ")}`}${failures}${why}`;
}

function versionOf(node: string): string {
  return spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
}

/** The table of a major version of Node, in the document. @param version "v20.20.2" */
function tableOf(version: string): RegExp {
  const [major = ""] = version.slice(1).split(".");
  return new RegExp(`(?<=<!-- attack on node ${major} -->\\n)[^]*(?=<!-- /attack on node ${major} -->)`);
}

function headerOf({ node, attackMs, isSmoke, isShared }: AttackOptions, rows: readonly Row[]): string {
  const [processor] = cpus();
  return `${new Date().toISOString().slice(0, 10)}: ${rows.length} classes, ${attackMs / 1_000} s each, on Node ${versionOf(node)}; ${processor?.model.trim() ?? "unknown"}, ${cpus().length} processors.${isShared ? " One server of each kind for all classes." : ""}${isSmoke ? " A smoke run, without the peer." : ""}`;
}

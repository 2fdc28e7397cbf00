import { isMet, type Row, type Target, type Unit } from "../benchmark.js";
import type { Measurement, Outcome } from "./measurement.js";

const HEAD = ["", "measured", "target", "met", ""] as const;

/** All figures as one Markdown table, with where they were measured above it. */
export function textTable({ machine, isSmoke, outcomes }: Measurement): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const lines = [
    `${machine.date.slice(0, 10)}, ${machine.processor} with ${machine.processors} processors and ${machine.memoryGb} GB, Linux ${machine.kernel}; commit ${machine.commit}`,
    `Servers on Node ${machine.node}, load from Node ${machine.generatorNode}; ${versions.join(", ")}`,
    machine.isPinned
      ? "Servers had one core, the load generator the other."
      : "Processes could not be kept to cores of their own here: expect more noise.",
    machine.goesFirst
      ? "They went before whatever else the machine runs."
      : "They had no precedence over what else the machine runs.",
    `The machine's load in the minute before was ${machine.loadBefore.toFixed(1)}.`,
    ...(isSmoke ? ["A smoke run: its figures mean nothing."] : []),
    "",
    lineOf(HEAD),
    lineOf(HEAD.map(() => "---")),
    ...outcomes.flatMap(linesOf),
  ];
  return `${lines.join("\n")}\n`;
}

function linesOf({ benchmark, rows, failure, seconds }: Outcome): readonly string[] {
  const title = lineOf([
    `**${benchmark.title}** (${benchmark.name})`,
    "",
    "",
    "",
    failure === undefined ? `took ${seconds.toFixed(0)} s` : `failed: ${failure}`,
  ]);
  return [
    title,
    ...rows.map((row) =>
      lineOf([
        row.what,
        valueText(row.value, row.unit),
        row.target === undefined ? "" : targetText(row.target, row.unit),
        metText(row),
        row.note ?? "",
      ]),
    ),
  ];
}

function metText(row: Row): string {
  const met = isMet(row);
  if (met === undefined) return "";
  return met ? "yes" : "no";
}

export function targetText(target: Target, unit: Unit): string {
  return "atLeast" in target ? `≥ ${valueText(target.atLeast, unit)}` : `≤ ${valueText(target.atMost, unit)}`;
}

export function valueText(value: number, unit: Unit): string {
  switch (unit) {
    case "per second":
      return `${Math.round(value).toLocaleString("en-US")}/s`;
    case "x":
      return `${value.toFixed(value < 10 ? 2 : 1)} ×`;
    case "share":
      return `${(value * 100).toFixed(0)} %`;
    case "bytes":
      return `${Math.round(value).toLocaleString("en-US")} B`;
    case "ms":
    case "MB":
    case "kB":
      return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
  }
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
}

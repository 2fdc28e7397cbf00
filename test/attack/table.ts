import type { AttackClass } from "./attack-class.js";
import { missedBounds, type Outcome } from "./outcome.js";

export interface Row {
  readonly attackClass: AttackClass;
  readonly service: Outcome;
  /** Undefined where it was not tried. */
  readonly peer: Outcome | undefined;
}

const HEAD = [
  "class",
  "what is sent",
  "late",
  "longest",
  "memory",
  "heap",
  "innocent",
  "verdict",
  "node: late",
  "longest",
  "memory",
  "innocent",
  "state",
];

/** All outcomes as one Markdown table: first the service's columns, then those of the bare server. */
export function markdownTable(rows: readonly Row[]): string {
  const lines = [HEAD, HEAD.map(() => "---"), ...rows.map(cellsOf)];
  return `${lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n")}\n`;
}

function cellsOf({ attackClass, service, peer }: Row): string[] {
  const missed = missedBounds(service);
  return [
    attackClass.name,
    attackClass.title,
    lateText(service),
    longestText(service),
    growthText(service),
    heapText(service),
    innocentText(service),
    missed.length === 0 ? "held" : `**${missed.join("; ")}**`,
    ...(peer === undefined
      ? ["", "", "", "", ""]
      : [
          lateText(peer),
          longestText(peer),
          growthText(peer),
          innocentText(peer),
          peer.ended === undefined ? "alive" : `ended with ${peer.ended}`,
        ]),
  ];
}

function lateText({ watch: { checks, late, failed } }: Outcome): string {
  return `${late + failed} of ${checks}`;
}

function longestText({ watch: { longestMs } }: Outcome): string {
  return `${Math.round(longestMs)} ms`;
}

function growthText({ residentGrowth }: Outcome): string {
  return Number.isNaN(residentGrowth) ? "unknown" : `+${Math.round(residentGrowth / 1e6)} MB`;
}

function heapText({ heapBefore, heapAfter }: Outcome): string {
  if (Number.isNaN(heapBefore) || Number.isNaN(heapAfter)) return "unknown";
  return `${(heapAfter / heapBefore).toFixed(2)} ×`;
}

function innocentText({ report }: Outcome): string {
  return report === undefined || report.innocents.opened === 0
    ? ""
    : `${report.innocents.answered} of ${report.innocents.opened}`;
}

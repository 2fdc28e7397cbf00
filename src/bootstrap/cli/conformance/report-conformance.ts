import type { CaseResult } from "./run-conformance.js";
import type { Protocol } from "./wire-client.js";

const SIGN = { ok: "ok", failed: "FAILED", skipped: "skipped" } as const;

/** A line for each case with what came of it by each protocol, then what failed and why, then the sum. */
export function asTable(results: readonly CaseResult[], protocols: readonly Protocol[]): string {
  const rows = new Map<string, CaseResult[]>();
  for (const result of results) {
    const key = JSON.stringify([result.area, result.title]);
    rows.set(key, [...(rows.get(key) ?? []), result]);
  }
  const width = Math.max(...results.map(({ title }) => title.length), 0) + 2;
  const lines: string[] = [];
  let area: string | undefined;
  for (const row of rows.values()) {
    const [{ area: of, title } = { area: "", title: "" }] = row;
    if (of !== area)
      lines.push(
        `${lines.length === 0 ? "" : "\n"}${of.padEnd(width + 2)}${protocols.map((each) => each.padEnd(9)).join("")}`.trimEnd(),
      );
    area = of;
    const signs = protocols.map((each) => SIGN[row.find(({ protocol }) => protocol === each)?.outcome ?? "skipped"]);
    lines.push(`  ${title.padEnd(width)}${signs.map((sign) => sign.padEnd(9)).join("")}`.trimEnd());
  }
  const failed = results.filter(({ outcome }) => outcome === "failed");
  for (const { area: of, title, protocol, message = "" } of failed)
    lines.push(`\nFAILED ${of}: ${title} (${protocol})\n  ${message}`);
  return [...lines, "", sumOf(results)].join("\n");
}

export function sumOf(results: readonly CaseResult[]): string {
  const count = (sought: CaseResult["outcome"]) => results.filter(({ outcome }) => outcome === sought).length;
  return `${results.length} cases: ${count("ok")} ok, ${count("failed")} failed, ${count("skipped")} skipped`;
}

/** @param target what was asked */
export function asJson(results: readonly CaseResult[], target: string): string {
  return `${JSON.stringify({ target, conforms: results.every(({ outcome }) => outcome !== "failed"), cases: results }, null, 2)}\n`;
}

/** As JUnit's reports are read by what runs builds: a suite for each protocol, the area as the class. */
export function asJunit(results: readonly CaseResult[], protocols: readonly Protocol[], target: string): string {
  const suites = protocols.map((protocol) => {
    const of = results.filter((result) => result.protocol === protocol);
    const count = (sought: CaseResult["outcome"]) => of.filter(({ outcome }) => outcome === sought).length;
    const attributes = `name="${xml(`${target} by ${protocol}`)}" tests="${of.length}" failures="${count("failed")}" errors="0" skipped="${count("skipped")}" time="${seconds(of.reduce((sum, { ms }) => sum + ms, 0))}"`;
    return `  <testsuite ${attributes}>\n${of.map(asTestcase).join("\n")}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="conformance">\n${suites.join("\n")}\n</testsuites>\n`;
}

function asTestcase({ area, title, outcome, message = "", ms }: CaseResult): string {
  const open = `    <testcase classname="${xml(area)}" name="${xml(title)}" time="${seconds(ms)}"`;
  if (outcome === "ok") return `${open}/>`;
  const element = outcome === "failed" ? "failure" : "skipped";
  return `${open}>\n      <${element} message="${xml(message)}"/>\n    </testcase>`;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;",
};

/** What XML cannot carry at all becomes a replacement character. */
function xml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"\n]/g, (character) => ENTITIES[character] ?? "");
}

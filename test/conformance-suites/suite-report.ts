/** How one suite ended. */
export interface SuiteReport {
  readonly suite: string;
  /** The Node that served, as "20.20.2". */
  readonly node: string;
  readonly cases: number;
  readonly passed: number;
  /** How many there have to be, so that none is left out unnoticed. */
  readonly expectedCases: number;
  /** Cases that may fail, with the reason. */
  readonly excused: readonly string[];
  /** What failed: the case, and what was said of it. */
  readonly failures: readonly string[];
}

export function isGood({ cases, passed, expectedCases, excused, failures }: SuiteReport): boolean {
  return cases === expectedCases && passed + excused.length === cases && failures.length === 0;
}

/** One line for each suite, and below them what failed. */
export function reportTable(reports: readonly SuiteReport[]): string {
  const rows = [
    ["suite", "Node", "cases", "passed", "excused", "failed"],
    ...reports.map(({ suite, node, cases, expectedCases, passed, excused, failures }) => [
      suite,
      node,
      cases === expectedCases ? String(cases) : `${cases} of ${expectedCases}`,
      String(passed),
      String(excused.length),
      String(failures.length),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  "),
  );
  const failures = reports.flatMap(({ suite, node, failures: all }) =>
    all.map((failure) => `FAILED ${suite}, Node ${node}: ${failure}`),
  );
  const excused = reports.flatMap(({ suite, node, excused: all }) =>
    all.map((reason) => `excused ${suite}, Node ${node}: ${reason}`),
  );
  return [...lines, "", ...excused, ...failures].join("\n").trimEnd();
}

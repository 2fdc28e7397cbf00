import type { Row } from "../benchmark.js";
import { valueText } from "./text-table.js";

const WIDTH = 760;
const BAR_HEIGHT = 22;
const GAP = 10;
const TOP = 44;
const BOTTOM = 28;
const BARS_FROM = 330;
const NUMBERS_WIDTH = 90;

/** For light and for dark pages. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 14px; }
  .small { font-size: 11px; fill: #59636e; }
  .bar { fill: #8c959f; }
  .own { fill: #1f6feb; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9198a1; }
    .bar { fill: #6e7681; }
    .own { fill: #4493f8; }
  }`;

export interface BarChart {
  readonly title: string;
  /** Where it was measured, in a line. */
  readonly footnote: string;
  /** Rates, the longest bar first or last as they come. */
  readonly rows: readonly Row[];
  /** Rows of the service's own begin so, and stand out. */
  readonly ownName: string;
}

/** Rates as horizontal bars, as SVG. */
export function barChart({ title, footnote, rows, ownName }: BarChart): string {
  const height = TOP + rows.length * (BAR_HEIGHT + GAP) + BOTTOM;
  const largest = Math.max(...rows.map(({ value }) => value));
  const bars = rows.map((row, index) =>
    bar(row, TOP + index * (BAR_HEIGHT + GAP), row.value / largest, row.what.startsWith(ownName)),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${STYLE}\n</style>`,
    `<text class="title" x="0" y="18">${escaped(title)}</text>`,
    ...bars,
    `<text class="small" x="0" y="${height - 8}">${escaped(footnote)}</text>`,
    "</svg>",
    "",
  ].join("\n");
}

function bar({ what, value, unit }: Row, y: number, share: number, isOwn: boolean): string {
  const length = Math.max(1, Math.round((WIDTH - BARS_FROM - NUMBERS_WIDTH) * share));
  const middle = y + BAR_HEIGHT / 2 + 4;
  return [
    `<text x="${BARS_FROM - 10}" y="${middle}" text-anchor="end">${escaped(what)}</text>`,
    `<rect class="${isOwn ? "own" : "bar"}" x="${BARS_FROM}" y="${y}" width="${length}" height="${BAR_HEIGHT}" rx="2"/>`,
    `<text x="${BARS_FROM + length + 8}" y="${middle}">${valueText(value, unit)}</text>`,
  ].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

export interface LoggedLine {
  /** Where it is written: "src/ports/logger.ts:12". */
  readonly at: string;
  /** Its text, a placeholder for what differs. */
  readonly text: string;
}

/** What stands for what differs from line to line, in the sources' templates and on the page. */
export const PLACEHOLDER = "…";
const LEVELS: ReadonlySet<string> = new Set(["warn", "error"]);

/** The lines that the sources write at warn and error: those whose text is given where they are written. */
export function loggedLines(root: string): readonly LoggedLine[] {
  const lines: LoggedLine[] = [];
  for (const name of readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts") || name.includes("/gen/")) continue;
    const file = join("src", name);
    const source = ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest, true);
    const visit = (node: ts.Node) => {
      const text = ts.isCallExpression(node) ? textOf(node) : undefined;
      if (text !== undefined)
        lines.push({ at: `${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`, text });
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return lines;
}

function textOf({ expression, arguments: given }: ts.CallExpression): string | undefined {
  if (!ts.isPropertyAccessExpression(expression)) return undefined;
  const method = expression.name.text;
  if (LEVELS.has(method) && /log/i.test(expression.expression.getText())) return literal(given[0]);
  const [level, message] = given;
  return method === "lost" && LEVELS.has(literal(level) ?? "") ? literal(message) : undefined;
}

function literal(node: ts.Node | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return [node.head.text, ...node.templateSpans.map((span) => PLACEHOLDER + span.literal.text)].join("");
}

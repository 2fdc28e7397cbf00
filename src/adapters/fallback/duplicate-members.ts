/** A text, or a sign that opens, divides or closes: what decides which member a name belongs to. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/g;

interface Level {
  /** The names so far; undefined in an array. */
  readonly names: Set<string> | undefined;
  /** The member or the item that is being read. */
  step: string | number;
  expectsName: boolean;
}

/**
 * The members that an object names more than once, at any depth: JSON.parse keeps the last of them without a word.
 *
 * @param json valid JSON
 * @returns the path of each, once: `["seats"].hasAccess`
 */
export function duplicateMembers(json: string): string[] {
  const duplicates = new Set<string>();
  const levels: Level[] = [];
  for (const [token] of json.matchAll(TOKEN)) {
    const level = levels.at(-1);
    if (token === "{") levels.push({ names: new Set(), step: "", expectsName: true });
    else if (token === "[") levels.push({ names: undefined, step: 0, expectsName: false });
    else if (token === "}" || token === "]") levels.pop();
    else if (level === undefined) continue;
    else if (token === ",") {
      level.expectsName = level.names !== undefined;
      if (typeof level.step === "number") level.step++;
    } else if (level.expectsName) {
      // Two spellings of one name are one name: "a" and "\u0061".
      const name = JSON.parse(token) as string;
      level.step = name;
      level.expectsName = false;
      if (level.names?.has(name) === true) duplicates.add(pathOf(levels));
      level.names?.add(name);
    }
  }
  return [...duplicates];
}

function pathOf(levels: readonly Level[]): string {
  return levels
    .map(({ step }, depth) => (typeof step === "number" || depth === 0 ? `[${JSON.stringify(step)}]` : `.${step}`))
    .join("");
}

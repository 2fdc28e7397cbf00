/** How many ids are named beside one that is not known. */
const MAX_NAMED = 3;

/**
 * The ids that are most like one that is not known, the likest first; none where all are quite different.
 *
 * @param known looked at one by one: the caller bounds how many
 */
export function nearestIds(id: string, known: Iterable<string>): readonly string[] {
  const tolerance = Math.max(1, Math.ceil(id.length / 3));
  const near: { readonly id: string; readonly distance: number }[] = [];
  const spelling = plainSpelling(id);
  for (const candidate of known) {
    if (candidate === id || Math.abs(candidate.length - id.length) > tolerance) continue;
    const distance = editDistance(spelling, plainSpelling(candidate));
    if (distance <= tolerance) near.push({ id: candidate, distance });
  }
  near.sort((one, other) => one.distance - other.distance || (one.id < other.id ? -1 : 1));
  return near.slice(0, MAX_NAMED).map(({ id: named }) => named);
}

function plainSpelling(id: string): string {
  return id.toLowerCase().replaceAll(/[\s_.-]/g, "");
}

/** How many characters have to be inserted, removed or replaced to make one text of the other. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = at(previous, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, at(previous, column) + 1, at(current, column - 1) + 1));
    }
    previous = current;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] as number;
}

/** Names with these beginnings are this service's own, so one that it does not know is likely a slip. */
const OWN_PREFIXES = ["REDIS_", "EDGE_", "WS_", "CATALOG_", "TLS_", "CACHE_", "ENTITLEMENTS_", "SHUTDOWN_", "SERVER_"];

/** A warning for each name in the environment that nearly is a known one. */
export function misspeltNames(environmentNames: Iterable<string>, knownNames: readonly string[]): string[] {
  const warnings: string[] = [];
  for (const name of environmentNames) {
    const upper = name.toUpperCase();
    const prefix = OWN_PREFIXES.find((candidate) => upper.startsWith(candidate));
    if (prefix === undefined || knownNames.includes(name)) continue;
    const nearest = nearestName(upper, prefix, knownNames);
    if (nearest !== undefined) warnings.push(`${name} is not a variable of this service: did you mean ${nearest}?`);
  }
  return warnings;
}

function nearestName(name: string, prefix: string, knownNames: readonly string[]): string | undefined {
  // Of a short name a third being wrong is already another name: REDIS_DB and REDIS_ID.
  const tolerance = Math.min(2, Math.floor((name.length - prefix.length) / 2));
  let nearest: string | undefined;
  let smallest = tolerance + 1;
  for (const known of knownNames) {
    const distance = editDistance(name, known);
    if (distance < smallest) [nearest, smallest] = [known, distance];
  }
  return nearest;
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
  return row[column] ?? Infinity;
}

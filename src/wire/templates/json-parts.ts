/** A string, or a sign that opens, divides or closes. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;

/**
 * A JSON object, or array, cut behind each of its members: the first part begins with what opens it, each further one with
 * its comma, and the last one is what closes it.
 *
 * @param text valid JSON
 * @param at where the object or the array begins
 * @returns undefined where there is none, or it is empty
 */
export function partsAt(
  text: string,
  at: number,
): { readonly parts: readonly string[]; readonly end: number } | undefined {
  if (text[at] !== "{" && text[at] !== "[") return undefined;
  const parts: string[] = [];
  let from = at;
  let depth = 0;
  TOKEN.lastIndex = at;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [token] = match;
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    const isDivider = token === "," && depth === 1;
    if (!isDivider && depth > 0) continue;
    if (match.index > from) parts.push(text.slice(from, match.index));
    from = match.index;
    if (depth > 0) continue;
    parts.push(text.slice(from, from + 1));
    return parts.length === 1 || (parts[0]?.length ?? 0) === 1 ? undefined : { parts, end: from + 1 };
  }
  return undefined;
}

import type { Subject } from "../../../../domain/subject.js";
import { KEY_MARKS, stateKeysPrefix } from "./redis-keys.js";

/** Says whether anything is held of a customer. */
export type IsCustomerOfInterest = (customerId: string) => boolean;

const EVERYBODY: IsCustomerOfInterest = () => true;

/**
 * Every subject that a key may be of. Keys join ids as they are, and an id may contain whatever joins them: "a:r_b"
 * is a customer, or the resource "b" of "a". Whoever is notified of a key has to reckon with all of them.
 *
 * @param isOfInterest leaves out customers before their resources are looked at: a key made to be ambiguous has more
 * subjects than characters, but only few customers
 * @returns none where the key is of no state
 */
export function subjectsOfKey(
  environment: string,
  key: string,
  isOfInterest: IsCustomerOfInterest = EVERYBODY,
): readonly Subject[] {
  const prefix = stateKeysPrefix(environment);
  if (!key.startsWith(prefix)) return [];
  const name = key.slice(prefix.length);
  const ends = endsOfSubject(name);
  const subjects: Subject[] = [];
  for (const end of ends) {
    const customerId = name.slice(0, end);
    if (isOfInterest(customerId)) subjects.push({ customerId });
  }
  for (const customerEnd of positionsOf(KEY_MARKS.resource, name)) {
    const customerId = name.slice(0, customerEnd);
    if (!isOfInterest(customerId)) continue;
    const start = customerEnd + KEY_MARKS.resource.length;
    for (const end of ends) if (end >= start) subjects.push({ customerId, resourceId: name.slice(start, end) });
  }
  return subjects;
}

/** Where the name of the subject may end, and what is kept of it begin. */
function endsOfSubject(name: string): ReadonlySet<number> {
  const ends = new Set<number>();
  addEnds(ends, name, name.length);
  if (name.endsWith(KEY_MARKS.timestamp)) addEnds(ends, name, name.length - KEY_MARKS.timestamp.length);
  for (const mark of KEY_MARKS.usages) for (const position of positionsOf(mark, name)) ends.add(position);
  return ends;
}

function addEnds(ends: Set<number>, name: string, length: number): void {
  ends.add(length);
  if (name.endsWith(KEY_MARKS.metadata, length)) ends.add(length - KEY_MARKS.metadata.length);
}

function* positionsOf(mark: string, name: string): Iterable<number> {
  for (let position = name.indexOf(mark); position >= 0; position = name.indexOf(mark, position + 1)) yield position;
}

import type { EntitlementReference } from "../../../../domain/entitlement.js";
import type { Subject } from "../../../../domain/subject.js";
import type { StateTrust } from "../codec/sidecar-record.js";

/** Names of the keys, as the published clients make them: ids are neither escaped nor bounded, so two subjects can share a key. */

const TIMESTAMP_SUFFIX = "#timestamp";
const METADATA_SUFFIX = ":metadata";
const RESOURCE_MARK = ":r_";
const USAGE_MARK = { feature: ":f_", credit: ":credit_" } as const;
const REFETCH = "refetchEntityEntitlementsAfterCacheMiss";

/** What stands between a subject's ids and the rest of a key. */
export const KEY_MARKS = {
  timestamp: TIMESTAMP_SUFFIX,
  metadata: METADATA_SUFFIX,
  resource: RESOURCE_MARK,
  usages: Object.values(USAGE_MARK),
} as const;

/** What every key of a state begins with, and no lock: what a client that tracks states asks to be notified of. */
export function stateKeysPrefix(environment: string): string {
  return `${environment}:c_`;
}

/** What a client asks to be notified of that keeps what it read cached. */
export function trackedPrefixes(environment: string): readonly string[] {
  return [stateKeysPrefix(environment), staleMarkerKey(environment), unheardMarkerKey(environment)];
}

export function stateKey(environment: string, { customerId, resourceId }: Subject): string {
  const customer = stateKeysPrefix(environment) + customerId;
  return resourceId === undefined ? customer : customer + RESOURCE_MARK + resourceId;
}

/** Where a state tells why it does not have what it does not have. */
export function metadataKey(environment: string, subject: Subject): string {
  return stateKey(environment, subject) + METADATA_SUFFIX;
}

export function usageKey(environment: string, subject: Subject, entitlement: EntitlementReference): string {
  return stateKey(environment, subject) + USAGE_MARK[entitlement.type] + entitlement.id;
}

/** Where the timestamp of a key's data is kept. */
export function timestampKey(key: string): string {
  return key + TIMESTAMP_SUFFIX;
}

/** What has to go so that nobody takes a subject's state for known. */
export function purgedKeys(environment: string, subject: Subject): readonly string[] {
  const state = stateKey(environment, subject);
  const metadata = metadataKey(environment, subject);
  return [state, timestampKey(state), metadata, timestampKey(metadata)];
}

/** Where this project notes that all that Redis holds from before a time is stale. No state's key begins so. */
export function staleMarkerKey(environment: string): string {
  return `${environment}:sidecar:stale-before`;
}

/** Where this project notes that changes from before a time may have been heard by nobody. No state's key begins so. */
export function unheardMarkerKey(environment: string): string {
  return `${environment}:sidecar:unheard-before`;
}

/** A lock that is taken and given back to find out whether Redis takes writes. No state's key begins so. */
export function probeKey(environment: string): string {
  return `${environment}:sidecar:probe`;
}

/** Where those who hear changes say that Redis has been told of them all. No state's key begins so. */
export function heardKey(environment: string): string {
  return `${environment}:sidecar:heard`;
}

/** What every key begins with under which this project tells what waits in outboxes. No state's key begins so. */
export function pendingKeysPrefix(environment: string): string {
  return `${environment}:sidecar:pending:`;
}

/** Where outboxes are listed that tell what waits in them. No state's key begins so. */
export function outboxesKey(environment: string): string {
  return `${environment}:sidecar:outboxes`;
}

/** Where one of them lists of whom. No state's key begins so. */
export function outboxSubjectsKey(environment: string, outboxId: string): string {
  return `${environment}:sidecar:outbox:${outboxId}`;
}

/** Held by the one process that asks upstream for a subject, on behalf of all. */
export function missLockKey(environment: string, subject: Subject): string {
  return `${environment}:${REFETCH}-${joined(subject)}`;
}

/** Where that process tells the others that it is done. */
export function missChannel(environment: string, subject: Subject): string {
  return `${environment}:${REFETCH}:${joined(subject)}`;
}

/** Held by a published client while it writes a state. */
export function writeLockKey(environment: string, subject: Subject): string {
  return `${environment}-${joined(subject)}`;
}

function joined({ customerId, resourceId }: Subject): string {
  return resourceId === undefined ? customerId : `${customerId}:${resourceId}`;
}

/** Whom the processes of this project were asked for lately. No state's key begins so. */
export function recentSubjectsKey(environment: string): string {
  return `${environment}:sidecar:recent`;
}

/** Where a persistent-cache service keeps the timestamp of the last change that Redis confirmed to it. No state's key begins so. */
export function confirmedKey(environment: string, serviceId: string): string {
  return `${environment}:sidecar:confirmed:${serviceId}`;
}

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

/** The one subject of a key where no id contains what joins ids, and whether the key is of a usage of it. */
export interface PlainKey {
  readonly customerId: string;
  readonly resourceId: string | undefined;
  readonly isOfUsage: boolean;
}

/**
 * The subject of a key of which `hasAmbiguousKeys` is false. Costs a fraction of what all subjects of a key do.
 *
 * @param key begins with the prefix
 * @param prefixLength of `stateKeysPrefix`
 */
export function plainKeyOf(key: string, prefixLength: number): PlainKey {
  const end = endOfId(key, prefixLength);
  const customerId = key.slice(prefixLength, end);
  if (!key.startsWith(RESOURCE_MARK, end))
    return { customerId, resourceId: undefined, isOfUsage: KEY_MARKS.usages.some((mark) => key.startsWith(mark, end)) };
  const start = end + RESOURCE_MARK.length;
  const resourceEnd = endOfId(key, start);
  const isOfUsage = KEY_MARKS.usages.some((mark) => key.startsWith(mark, resourceEnd));
  return { customerId, resourceId: key.slice(start, resourceEnd), isOfUsage };
}

/** Where an id ends that contains no mark. */
function endOfId(key: string, start: number): number {
  for (let position = start; position < key.length; position++) {
    const code = key.charCodeAt(position);
    if ((code === 0x23 || code === 0x3a) && MARKS.some((mark) => key.startsWith(mark, position))) return position;
  }
  return key.length;
}

const MARKS = [...KEY_MARKS.usages, KEY_MARKS.resource, KEY_MARKS.metadata, KEY_MARKS.timestamp];

/**
 * Whether a subject's keys can also be read as another's, since its ids contain what joins ids. Of two subjects that
 * share a key one is always of this kind: it yields, so that they do not overwrite each other for ever.
 */
export function hasAmbiguousKeys({ customerId, resourceId }: Subject): boolean {
  return MARKS.some((mark) => customerId.includes(mark) || resourceId?.includes(mark) === true);
}

/**
 * The time that a #timestamp key holds, epoch milliseconds.
 *
 * @returns undefined where there is none, also where a client wrote one that is no number
 */
export function readTimestamp(text: string | null | undefined): number | undefined {
  return text !== null && text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

/** What a timestamp says of the data: 0 stands for "has no timestamp of its own". */
export function timestampOf(timestamp: number): number | undefined {
  return timestamp === 0 ? undefined : timestamp;
}

/** One key's value with its timestamp, as Redis gave them. */
export interface StampedValue {
  readonly value: string | null;
  readonly timestamp: string | null;
}

/** What was read of a subject, at one point in time where all of it came in one round trip from one server. */
export interface StateReading {
  readonly subject: Subject;
  readonly state: StampedValue;
  readonly metadata: StampedValue;
  /** Of a resource: the timestamp of its customer's own state. */
  readonly globalTimestamp: string | null;
  usage(entitlement: EntitlementReference): StampedValue | undefined;
}

/**
 * Whether a resource's state is older than its customer's own: what a customer may do itself has a part in what its
 * resources may do.
 *
 * @param timestamp of the resource's state, epoch milliseconds
 */
export function isOutdated(
  { subject, globalTimestamp }: StateReading,
  timestamp: number,
  trust: StateTrust | undefined,
): boolean {
  if (subject.resourceId === undefined) return false;
  const customerTimestamp = readTimestamp(globalTimestamp);
  if (customerTimestamp === undefined) return true;
  return timestamp < customerTimestamp && (trust?.globalUpdatedAt ?? 0) < customerTimestamp;
}

/** Newer metadata were written with a state that lost against this one; an empty state loses against none. */
export function belongsTo(stateTimestamp: number, metadataTimestamp: number): boolean {
  return stateTimestamp === 0 ? metadataTimestamp === 0 : metadataTimestamp >= stateTimestamp;
}

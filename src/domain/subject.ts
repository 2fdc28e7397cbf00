/**
 * Who is asked about: a customer, or one resource of a customer. Ids are the caller's and may be any
 * non-empty string, so two subjects are compared field by field and never by a joined key.
 */
export interface Subject {
  readonly customerId: string;
  readonly resourceId?: string | undefined;
}

export function sameSubject(a: Subject, b: Subject): boolean {
  return a.customerId === b.customerId && a.resourceId === b.resourceId;
}

/** The longest id that is taken unless configured otherwise, bytes of UTF-8: longer ones are refused by whoever puts them into a path. */
export const MAX_ID_BYTES = 4_096;

/** Whether an id takes more than so many bytes of UTF-8. Counts only where its length leaves it open. */
export function isIdTooLong(id: string, maxBytes = MAX_ID_BYTES): boolean {
  if (id.length > maxBytes) return true;
  if (id.length * 3 <= maxBytes) return false;
  let bytes = 0;
  for (let at = 0; at < id.length; at++) {
    const unit = id.charCodeAt(at);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && isTrail(id.charCodeAt(at + 1))) {
      bytes += 4;
      at++;
    } else bytes += 3;
  }
  return bytes > maxBytes;
}

function isTrail(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

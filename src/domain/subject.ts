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

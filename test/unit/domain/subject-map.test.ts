import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { sameSubject, type Subject, SubjectMap } from "../../../src/domain/subject.js";

const ids = fc.constantFrom("", "a", "b", "a:b", "__proto__", "constructor");
const subjects: fc.Arbitrary<Subject> = fc.record({ customerId: ids, resourceId: fc.option(ids, { nil: undefined }) });
const steps = fc.array(fc.record({ subject: subjects, value: fc.option(fc.nat(), { nil: undefined }) }));

/** The same by looking at every entry: what a subject map has to be equal to. */
class EntryList {
  entries: { readonly subject: Subject; readonly value: number }[] = [];

  write(subject: Subject, value: number | undefined): void {
    this.entries = this.entries.filter((entry) => !sameSubject(entry.subject, subject));
    if (value !== undefined) this.entries.push({ subject, value });
  }
}

describe("a map keyed by subjects", () => {
  it("keeps any two subjects apart, whatever was written, overwritten and deleted", () => {
    fc.assert(
      fc.property(steps, subjects, (written, asked) => {
        const map = new SubjectMap<number>();
        const list = new EntryList();
        for (const { subject, value } of written) {
          list.write(subject, value);
          if (value === undefined) map.delete(subject);
          else map.set(subject, value);
        }
        // Strictly: what is undefined in a list is not seen otherwise.
        const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b);
        const ofCustomer = list.entries.filter(({ subject }) => subject.customerId === asked.customerId);
        expect(map.get(asked)).toBe(list.entries.find(({ subject }) => sameSubject(subject, asked))?.value);
        expect(sorted(map.values())).toStrictEqual(sorted(list.entries.map(({ value }) => value)));
        expect([...map.entries()].sort(([, a], [, b]) => a - b)).toEqual(
          list.entries.map(({ subject, value }) => [subject, value] as const).sort(([, a], [, b]) => a - b),
        );
        expect(sorted(map.ofCustomer(asked.customerId))).toStrictEqual(sorted(ofCustomer.map(({ value }) => value)));
      }),
      { numRuns: 1_000 },
    );
  });
});

import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { BoundedSubjects, sameSubject, type Subject } from "../../../src/domain/subject.js";

const MAX = 3;
const ids = fc.constantFrom("a", "b", "a:b");
const subject: fc.Arbitrary<Subject> = fc.record({ customerId: ids, resourceId: fc.option(ids, { nil: undefined }) });
const call = fc.oneof(
  // So often that there are too many of them at the end of many a run.
  { arbitrary: fc.record({ what: fc.constant("set" as const), subject, value: fc.nat(9) }), weight: 9 },
  fc.record({ what: fc.constant("delete" as const), subject }),
  fc.record({ what: fc.constant("take" as const), subject }),
  fc.record({ what: fc.constant("clear" as const), subject }),
);

describe("subjects of a bounded number", () => {
  it("are those of a list that each new value is put at the end of", () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 30 }), subject, (calls, asked) => {
        const subjects = new BoundedSubjects<number>(MAX);
        let list: { readonly subject: Subject; readonly value: number }[] = [];
        const without = (one: Subject) => list.filter((entry) => !sameSubject(entry.subject, one));
        for (const each of calls) {
          if (each.what === "set") {
            list = [...without(each.subject), { subject: each.subject, value: each.value }];
            subjects.set(each.subject, each.value);
          } else if (each.what === "delete") {
            list = without(each.subject);
            subjects.delete(each.subject);
          } else if (each.what === "take") {
            expect(subjects.takeOldest()).toEqual(list.shift());
          } else {
            list = [];
            subjects.clear();
          }
        }
        const held = list.find((entry) => sameSubject(entry.subject, asked));
        expect([...subjects.values()]).toEqual(list.map(({ value }) => value));
        expect([subjects.size, subjects.get(asked), subjects.has(asked)]).toEqual([
          list.length,
          held?.value,
          held !== undefined,
        ]);
        expect([subjects.hasRoomFor(asked), subjects.isOverfull]).toEqual([
          list.length < MAX || held !== undefined,
          list.length > MAX,
        ]);
      }),
    );
  });
});

import { expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  decodePending,
  decodePendingKey,
  encodePending,
  encodePendingKey,
} from "../../../../../src/adapters/cache/redis/pending/pending-codec.js";

const PREFIX = "e:sidecar:pending:";
const ids = fc.string({ unit: "binary-ascii", minLength: 1 });
const subjects = fc.record({ customerId: ids, resourceId: fc.option(ids, { nil: undefined }) });
const amounts = fc.array(
  fc.record({
    behavior: fc.constantFrom("SET" as const, "DELTA" as const),
    value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
    group: fc.constantFrom(-1, 1_700_000_000_000, Infinity),
  }),
);

it("finds a subject again by its key, whatever its ids", () => {
  fc.assert(
    fc.property(fc.uuid(), subjects, (outboxId, subject) => {
      expect(decodePendingKey(PREFIX, encodePendingKey(PREFIX, { outboxId, subject }))).toEqual({ outboxId, subject });
    }),
  );
});

it("reads what it wrote", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(ids, amounts), { selector: ([id]) => id }), (features) => {
      expect(decodePending(encodePending(new Map(features)))).toEqual(new Map(features));
    }),
  );
});

it.each([
  "",
  "{}",
  '{"version":2,"features":[]}',
  '{"version":1,"features":[["calls",[["ADD",1,null]]]]}',
  '{"version":1,"features":[["calls",[["SET","1",null]]]]}',
  '{"version":1,"features":[[5,[]]]}',
])("counts nothing of what it cannot read: %s", (text) => {
  expect(decodePending(text)).toBeUndefined();
});

it.each(["e:c_a", PREFIX, `${PREFIX}id`, `${PREFIX}id:!`, `${PREFIX}id:WyJhIl0:more`])(
  "knows no subject of %s",
  (key) => {
    expect(decodePendingKey(PREFIX, key)).toBeUndefined();
  },
);

const CUSTOMERS = 1_000;
const PLANTED_OF_EACH = 10;

const FEATURES = [
  { id: "seats", kind: "metered", meterType: "Fluctuating" },
  { id: "sso", kind: "boolean" },
];

/** Who is denied gets no entitlement beside it: all that it would say differs, too. */
const DENIED = ["access", "reason", "limit", "usage", "description"] as const;

/** What differs of a customer in the candidate, and how it has to be classed. */
const KINDS = [
  { name: "limit", entry: (id: string) => ({ id, plan: "more", usage: { seats: 8 } }), classes: ["limit"] },
  { name: "usage", entry: (id: string) => ({ id, plan: "pro", usage: { seats: 6 } }), classes: ["usage"] },
  {
    name: "lost",
    entry: (id: string) => ({ id, plan: "less", usage: {} }),
    classes: DENIED,
  },
  { name: "unknown", entry: () => undefined, classes: DENIED },
] as const;

const plantedIds = KINDS.flatMap(({ name }) => Array.from({ length: PLANTED_OF_EACH }, (_, n) => `${name}-${n}`));

const pro = (id: string) => ({ id, plan: "pro", usage: { seats: 8 } });
const commonIds = Array.from({ length: CUSTOMERS }, (_, n) => `customer-${n}`);
const plans = [
  { id: "pro", entitlements: { seats: 10, sso: true } },
  { id: "more", entitlements: { seats: 12, sso: true } },
  { id: "less", entitlements: { sso: true } },
];

export const INCUMBENT = { features: FEATURES, plans, customers: [...commonIds, ...plantedIds].map(pro) };

export const CANDIDATE = {
  features: FEATURES,
  plans,
  customers: [
    ...commonIds.map(pro),
    ...KINDS.flatMap(({ name, entry }) =>
      Array.from({ length: PLANTED_OF_EACH }, (_, n) => entry(`${name}-${n}`) ?? []),
    ).flat(),
  ],
};

export const PLANTED = plantedIds.length;

/** How many answers have to be in each class; in no other is any. */
export function expectedClasses(): Readonly<Record<string, number>> {
  const expected: Record<string, number> = {};
  for (const { classes } of KINDS) for (const each of classes) expected[each] = (expected[each] ?? 0) + PLANTED_OF_EACH;
  return expected;
}

/** Whom the nth of so many checks asks about: each planted customer once, spread evenly, and the others in turn. */
export function customerOf(nth: number, checks: number): string {
  const every = Math.floor(checks / PLANTED);
  const planted = nth % every === every - 1 ? plantedIds[Math.floor(nth / every)] : undefined;
  return planted ?? `customer-${nth % CUSTOMERS}`;
}

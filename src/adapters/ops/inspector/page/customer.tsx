import { useEffect, useState } from "preact/hooks";
import type { Explanation } from "../../../../application/check/explain-decision.js";
import type { InspectedCustomer, InspectedEntitlement } from "../../../../application/check/inspect-customer.js";
import { ask } from "./ask.js";
import { number, Panel, Rows, Verdict } from "./parts.js";

interface Inspected extends InspectedCustomer {
  readonly id: string;
  /** Of each entitlement, the rule that decides and what it saw. */
  readonly why: readonly string[];
}

async function inspect(id: string): Promise<Inspected> {
  const customer = await ask<InspectedCustomer>("/inspector/customer", { id });
  const why = await Promise.all(
    customer.entitlements.map(async ({ type, id: entitlement }) => {
      const kind = type === "feature" ? "feature" : "currency";
      return decidingRule(await ask<Explanation>("/explain", { cachedOnly: "1", customer: id, [kind]: entitlement }));
    }),
  );
  return { ...customer, id, why };
}

/** The first rule that does not hold, or the last that does. */
function decidingRule({ rules }: Explanation): string {
  const rule = rules.find(({ holds }) => !holds) ?? rules.at(-1);
  if (rule === undefined) return "";
  const saw = Object.entries(rule.saw)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(" ") : String(value)}`);
  return `${rule.holds ? "" : "not "}${rule.rule}${saw.length === 0 ? "" : `: ${saw.join(", ")}`}`;
}

/** A search for a customer, with all that this one may do. */
export function CustomerPanel({ first, fail }: { readonly first: string; readonly fail: (error: unknown) => void }) {
  const [text, setText] = useState(first);
  const [found, setFound] = useState<readonly string[]>([]);
  const [shown, setShown] = useState<Inspected>();
  const show = (id: string) => void inspect(id).then(setShown, fail);
  const search = async (typed: string) => {
    setText(typed);
    const { customers } = await ask<{ readonly customers: readonly string[] }>("/inspector/customers", { q: typed });
    setFound(customers);
    if (customers.includes(typed)) show(typed);
  };
  useEffect(() => {
    if (first !== "") show(first);
  }, [first]);
  return (
    <Panel id="customer" title="Customer" isWide>
      <form
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          if (text !== "") show(text);
        }}
      >
        <label>
          Id{" "}
          <input
            id="search"
            list="found"
            autocomplete="off"
            spellcheck={false}
            value={text}
            onInput={({ currentTarget }) => void search(currentTarget.value).catch(fail)}
          />
        </label>
        <datalist id="found">
          {found.map((id) => (
            <option value={id} />
          ))}
        </datalist>
      </form>
      <div aria-live="polite">{shown === undefined ? undefined : <Customer {...shown} />}</div>
    </Panel>
  );
}

function Customer({ id, source, verifiedAt, reason, entitlements, nearest, why }: Inspected) {
  const age = verifiedAt === undefined ? undefined : Math.max(0, Math.round((Date.now() - verifiedAt) / 1_000));
  const facts = [`from ${source}`, age === undefined ? undefined : `verified ${age} s ago`, reason];
  return (
    <>
      <p>
        <strong>{id}</strong> {facts.filter((fact) => fact !== undefined).join(", ")}
      </p>
      {nearest.length > 0 && <p>Did you mean {nearest.join(", ")}?</p>}
      <Rows
        titles={["entitlement", "access", "usage of limit", "why"]}
        items={entitlements.map((entitlement, index) => ({ entitlement, rule: why[index] ?? "" }))}
        none=""
        row={({ entitlement, rule }) => (
          <>
            <th scope="row">
              {entitlement.name}
              <br />
              <small>{entitlement.id}</small>
            </th>
            <td>
              <Verdict hasAccess={entitlement.hasAccess} /> {entitlement.reason}
            </td>
            <td>
              <UsageOfLimit {...entitlement} />
            </td>
            <td>
              <small>{rule}</small>
            </td>
          </>
        )}
      />
    </>
  );
}

function UsageOfLimit({ id, used, limit, isUnlimited, values }: InspectedEntitlement) {
  if (values.length > 0) return <>{values.join(", ")}</>;
  if (used === undefined) return <>{limit === undefined ? "" : number.format(limit)}</>;
  if (isUnlimited || limit === undefined) return <>{number.format(used)}, unlimited</>;
  const text = `${number.format(used)} of ${number.format(limit)}`;
  return (
    <>
      <progress
        max={Math.max(limit, used, 1)}
        value={used}
        class={used >= limit ? "full" : undefined}
        aria-label={`${id}: ${text} used`}
      />
      <small>{text}</small>
    </>
  );
}

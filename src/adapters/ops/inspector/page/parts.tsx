import type { ComponentChildren } from "preact";

export const number = new Intl.NumberFormat("en");

interface PanelProps {
  readonly id: string;
  readonly title: string;
  readonly isWide?: boolean;
  readonly children?: ComponentChildren;
}

/** A part of the page that readers of its headings find. */
export function Panel({ id, title, isWide = false, children }: PanelProps) {
  return (
    <section id={id} aria-labelledby={`h-${id}`} class={isWide ? "wide" : undefined}>
      <h2 id={`h-${id}`}>{title}</h2>
      {children}
    </section>
  );
}

export type Fact = readonly [name: string, value: string | number | undefined];

/** Names and values; those without a value are left out. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl>
      {facts
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </>
        ))}
    </dl>
  );
}

interface RowsProps<T> {
  readonly titles: readonly string[];
  readonly items: readonly T[];
  /** What stands in place of a table without rows. */
  readonly none: string;
  readonly row: (item: T) => ComponentChildren;
}

export function Rows<T>({ titles, items, none, row }: RowsProps<T>) {
  if (items.length === 0) return <>{none}</>;
  return (
    <table>
      <thead>
        <tr>
          {titles.map((title) => (
            <th scope="col">{title}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr>{row(item)}</tr>
        ))}
      </tbody>
    </table>
  );
}

export function Verdict({ hasAccess }: { readonly hasAccess: boolean }) {
  return <strong class={hasAccess ? "good" : "bad"}>{hasAccess ? "granted" : "denied"}</strong>;
}

/** Time of day, UTC. */
export function TimeOfDay({ at }: { readonly at: number }) {
  const iso = new Date(at).toISOString();
  return <time dateTime={iso}>{iso.slice(11, 19)}</time>;
}

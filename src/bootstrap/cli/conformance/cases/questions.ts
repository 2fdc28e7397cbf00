import type { JsonObject } from "@bufbuild/protobuf";
import type { SidecarMethod } from "../../../../adapters/rpc/service/sidecar-calls.js";
import type { ConformanceCase, Expected, Session } from "../conformance-case.js";

/** A question and what is right. */
export interface Question {
  readonly title: string;
  readonly method: SidecarMethod;
  /** The customer's name in the catalog of the suite. */
  readonly of?: string;
  readonly request: JsonObject;
  readonly expected: Expected;
}

/** Cases that ask one thing. */
export function questions(area: string, asked: readonly Question[]): readonly ConformanceCase[] {
  return asked.map(({ title, method, of = "acme", request, expected }) => ({
    area,
    title,
    run: ({ answers, who }) => answers(method, { customerId: who(of), ...request }, expected),
  }));
}

export function cases(
  area: string,
  named: readonly (readonly [title: string, run: (session: Session) => Promise<void>])[],
): readonly ConformanceCase[] {
  return named.map(([title, run]) => ({ area, title, run }));
}

/** As the wire has a reason. */
export const reason = (name: string): string => `ACCESS_DENIED_REASON_${name}`;

export const granted = { hasAccess: true, isFallback: false, accessDeniedReason: undefined } as const;
export const denied = (name: string) => ({ hasAccess: false, isFallback: false, accessDeniedReason: reason(name) });
/** A fallback that the older methods answer with says why it is one, also where it grants. */
export const fallback = (hasAccess: boolean, name = "UNKNOWN") => ({
  hasAccess,
  isFallback: true,
  accessDeniedReason: reason(name),
});

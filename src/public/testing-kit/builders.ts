import type {
  CreditGrantInput,
  CustomerInput,
  EntitlementInput,
  FeatureInput,
  IncludedCreditsInput,
  OverrideInput,
  PlanInput,
  ResourceInput,
  ShortEntitlementInput,
  TimestampInput,
} from "../../adapters/catalog/file/catalog-input.js";

type Dates = "startedAt" | "validUntil";

/**
 * One entry of a catalog. Each method gives another one with more in it, and leaves this one as it was, so that tests can share
 * a beginning. It is the entry as well: a catalog takes it as it is.
 */
abstract class Entry<T extends { readonly id: string }> {
  readonly input: T;

  constructor(input: T) {
    this.input = input;
  }

  /** What a catalog, and JSON, has in its place. */
  toJSON(): T {
    return this.input;
  }
}

export class PlanBuilder extends Entry<PlanInput> {
  /** @param entitlement true, a limit or a value, "unlimited", values, or an object as in a catalog file */
  with(featureId: string, entitlement: ShortEntitlementInput | EntitlementInput): PlanBuilder {
    return new PlanBuilder({ ...this.input, entitlements: { ...this.input.entitlements, [featureId]: entitlement } });
  }

  includingCredits(credits: IncludedCreditsInput): PlanBuilder {
    return new PlanBuilder({ ...this.input, includedCredits: [...(this.input.includedCredits ?? []), credits] });
  }
}

export class ResourceBuilder extends Entry<ResourceInput> {
  onPlan(plan: string, dates: Readonly<Partial<Record<Dates, TimestampInput>>> = {}): ResourceBuilder {
    return new ResourceBuilder({ ...this.input, plan, ...dates });
  }

  withOverride(featureId: string, entitlement: ShortEntitlementInput | OverrideInput): ResourceBuilder {
    return new ResourceBuilder({ ...this.input, overrides: { ...this.input.overrides, [featureId]: entitlement } });
  }

  withUsage(featureId: string, used: number): ResourceBuilder {
    return new ResourceBuilder({ ...this.input, usage: { ...this.input.usage, [featureId]: used } });
  }
}

export class CustomerBuilder extends Entry<CustomerInput> {
  onPlan(plan: string, dates: Readonly<Partial<Record<Dates, TimestampInput>>> = {}): CustomerBuilder {
    return new CustomerBuilder({ ...this.input, plan, ...dates });
  }

  withOverride(featureId: string, entitlement: ShortEntitlementInput | OverrideInput): CustomerBuilder {
    return new CustomerBuilder({ ...this.input, overrides: { ...this.input.overrides, [featureId]: entitlement } });
  }

  withUsage(featureId: string, used: number): CustomerBuilder {
    return new CustomerBuilder({ ...this.input, usage: { ...this.input.usage, [featureId]: used } });
  }

  withCredits(grant: CreditGrantInput): CustomerBuilder {
    return new CustomerBuilder({ ...this.input, creditGrants: [...(this.input.creditGrants ?? []), grant] });
  }

  withResource(resource: ResourceBuilder | ResourceInput): CustomerBuilder {
    return new CustomerBuilder({ ...this.input, resources: [...(this.input.resources ?? []), plain(resource)] });
  }

  archived(): CustomerBuilder {
    return new CustomerBuilder({ ...this.input, archived: true });
  }
}

/** An entry, or what a builder has made of it. */
export type Entries<T extends { readonly id: string }> = readonly (T | { readonly input: T })[];

export function plain<T extends { readonly id: string }>(entry: T | { readonly input: T }): T {
  // Tests in JavaScript give anything; what is no entry is refused as the catalog's fault.
  const isObject = typeof entry === "object" && (entry as unknown) !== null;
  return isObject && "input" in entry ? entry.input : (entry as T);
}

/** A switch; with more: another kind of feature. */
export function feature(id: string, more: Omit<Partial<FeatureInput>, "id"> = {}): FeatureInput {
  return { id, kind: "boolean", ...more };
}

/** A feature whose usage is counted: seats go up and down, calls only up. */
export function metered(id: string, more: Omit<Partial<FeatureInput>, "id" | "kind"> = {}): FeatureInput {
  return { id, kind: "metered", meterType: "Fluctuating", ...more };
}

export function plan(id: string): PlanBuilder {
  return new PlanBuilder({ id });
}

export function customer(id: string): CustomerBuilder {
  return new CustomerBuilder({ id });
}

export function resource(id: string): ResourceBuilder {
  return new ResourceBuilder({ id });
}

import type { ResolutionContext, ServiceIdentifier } from "inversify";

/** Says how a thing is made, once it is asked for. */
export type Provide = <T>(token: ServiceIdentifier<T>, make: (context: ResolutionContext) => T) => void;

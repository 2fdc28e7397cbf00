import { Container, type ResolutionContext, type ServiceIdentifier } from "inversify";

/** Says how a thing is made, once it is asked for. */
export type Provide = <T>(token: ServiceIdentifier<T>, make: (context: ResolutionContext) => T) => void;

/** What is asked of a container, by what it is: interfaces have no name at run time. */
export function token<T>(name: string): ServiceIdentifier<T> {
  return Symbol(name);
}

/** A container in which nothing is made before it is asked for, and then once. */
export function newContainer(): { readonly container: Container; readonly provide: Provide } {
  const container = new Container();
  return {
    container,
    provide: (token, make) => container.bind(token).toDynamicValue(make).inSingletonScope(),
  };
}

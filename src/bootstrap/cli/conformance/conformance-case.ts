import type { JsonObject } from "@bufbuild/protobuf";
import type { CatalogInput } from "../../../adapters/catalog/file/catalog-input.js";
import type { SidecarMethod } from "../../../adapters/rpc/service/sidecar-calls.js";
import type { EmulatorControl } from "./emulator-control.js";

/**
 * Part of an answer in protobuf's JSON, fields of their default value included. A field that is undefined must not be set; a
 * list has these items in this order; a function judges, and says what is wrong.
 */
export type Expected = Readonly<Record<string, unknown>>;

/** One thing that the contract asks for. */
export interface ConformanceCase {
  readonly area: string;
  /** Unique within the area. */
  readonly title: string;
  /** Only true of an implementation that is configured with FALLBACKS. */
  readonly needsFallbacks?: boolean;
  /** @throws ContractBreach where the implementation does otherwise */
  readonly run: (session: Session) => Promise<void>;
}

/** What a case asks the implementation and its upstream by. */
export interface Session {
  readonly control: EmulatorControl;
  /** The customers of this run: nobody has asked for them before. */
  readonly who: (name: string) => string;
  /** A customer that neither the catalog nor the implementation has seen. */
  readonly stranger: () => string;
  readonly answers: (method: SidecarMethod, request: JsonObject, expected: Expected) => Promise<void>;
  /** The same once a change has arrived: asks again until then, or until the patience is over. */
  readonly eventually: (method: SidecarMethod, request: JsonObject, expected: Expected) => Promise<void>;
  /** @param code as gRPC names it: "not_found" */
  readonly fails: (method: SidecarMethod, request: JsonObject, code: string) => Promise<void>;
  /** Of a path that is no method of the service. */
  readonly failsUnknownMethod: () => Promise<void>;
  /** Whether it answers its health. */
  readonly isHealthy: (service: string) => Promise<void>;
  /** Changes the catalog for good. Resolves once the emulator has told its subscribers. */
  readonly change: (edit: (catalog: CatalogInput) => CatalogInput) => Promise<void>;
  /** While no request to upstream is answered but by 503; afterwards the implementation has recovered. */
  readonly whileUpstreamFails: (then: () => Promise<void>) => Promise<void>;
  /** The next state that Edge is asked for is this one, whoever it is asked for. */
  readonly nextState: (state: object) => Promise<void>;
}

/** The implementation does not do what a case asks for. The message says what was asked, what came and what is right. */
export class ContractBreach extends Error {}

import type { UpdateStream } from "../../ports/change-sources.js";
import type { Directory } from "../../ports/checks.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { Telemetry } from "../../ports/telemetry.js";
import type { StrikeRequest, UpstreamClient } from "../../ports/upstream-client.js";

/** Where entitlements come from. */
export interface Source {
  readonly upstream: UpstreamClient;
  readonly stream: UpdateStream;
  readonly description: string;
  /** Given where the source knows everything there is. */
  readonly directory?: Directory | undefined;
  /** A check that it can answer, to try it with. */
  readonly example: ExampleCheck;
  /** Whether it has a feature of this id; left out where a source cannot tell all that it has. */
  readonly hasFeature?: (featureId: string) => boolean;
  /** What it asks upstream with; not given where it needs none. */
  readonly apiKey?: string;
  /** Events that came and that no meter names, by name, with how many; left out where a source does not know its meters. */
  readonly unmatchedEvents?: () => ReadonlyMap<string, number>;
  /** Asks upstream with another key from now on; the update stream when it is next opened. */
  replaceApiKey?(key: string): void;
  /**
   * The same upstream once more, with connections, breakers and counts of its own, on which faults can strike; not given: nothing is
   * on the way to it that could fail.
   */
  readonly apart?: (services: Services, strike: StrikeRequest) => ApartUpstream;
  /** Resolves once it has been reached, and has taken the API key; not given: it always is. */
  readonly reached?: Promise<void>;
  /** Begins whatever it does by itself. Returns at once and never throws. */
  start(): void;
  /** Resolves once everything it was given is safe. */
  close(): Promise<void>;
}

export interface ApartUpstream {
  readonly client: UpstreamClient;
  /** Breaks off what is under way. */
  readonly close: () => void;
}

export interface ExampleCheck {
  readonly customerId: string;
  readonly featureId: string;
}

/** For a source that cannot tell which customers it has. */
export const ANY_CHECK: ExampleCheck = { customerId: "any-customer", featureId: "any-feature" };

export interface Services {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

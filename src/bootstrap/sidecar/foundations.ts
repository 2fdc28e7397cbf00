import type { Clock } from "../../ports/clock.js";
import type { FailurePolicies } from "../../ports/failure-policies.js";
import type { Logger } from "../../ports/logger.js";
import type { Telemetry } from "../../ports/telemetry.js";
import type { Tracer } from "../../ports/tracer.js";
import type { CacheLayer } from "../cache/cache-layer.js";
import type { SettingInForce } from "../config/read-settings.js";
import type { Config } from "../config/settings/settings.js";
import type { Source } from "../source/source.js";
import type { Access } from "./access.js";
import type { OpenedOutbox } from "./outbox.js";

/** What has to be there before anything else can be made. */
export interface Foundations {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly source: Source;
  /** Where states are kept; not given: in this process alone. */
  readonly cache?: CacheLayer | undefined;
  /** Who may ask; not given: anybody. */
  readonly access?: Access | undefined;
  /** What checks answer when nothing fresh can be had; not given: what is known, however old, and then the fallback. */
  readonly failurePolicies?: (FailurePolicies & { close(): Promise<void> }) | undefined;
  /** The configuration as whoever runs the service may see it. */
  readonly inForce?: readonly SettingInForce[] | undefined;
  /** Where reports are accepted; not given: each waits for upstream. */
  readonly outbox?: OpenedOutbox | undefined;
  /** OPS_TOKEN as it is by now; not given: as it was configured. */
  readonly opsToken?: (() => string | undefined) | undefined;
  /** Where calls are traced; not given: nowhere. */
  readonly tracer?: Tracer | undefined;
  /** Takes secrets out of what other systems said, before callers are answered with it. */
  readonly redact?: ((text: string) => string) | undefined;
}

import { DURABILITIES } from "../../../ports/outbox.js";
import { integer, oneOf, text } from "./parsers.js";
import { optional, withDefault } from "./setting.js";

const HOUR_MS = 3_600_000;

/** Of the outbox: reports that are accepted on disk and delivered as fast as upstream takes them. */
export const OUTBOX_SETTINGS = {
  usageOutboxDir: optional("USAGE_OUTBOX_DIR", text, {
    description:
      "a directory in which reports are accepted and from which they are delivered (docs/outbox.md); not set: each report waits for upstream",
  }),
  usageDurability: withDefault("USAGE_DURABILITY", oneOf(DURABILITIES), "power", {
    description:
      "what an accepted report outlasts: process (a kill of the process), or power (a power cut too, for a sync of the disk)",
  }),
  usageOutboxMaxBytes: withDefault(
    "USAGE_OUTBOX_MAX_BYTES",
    integer({ min: 1_048_576, unit: "bytes" }),
    1_073_741_824,
    {
      description: "what the outbox may take of the disk, bytes; beyond it reports are refused with RESOURCE_EXHAUSTED",
    },
  ),
  usageReportsPerMinute: withDefault("USAGE_REPORTS_PER_MINUTE", integer({ min: 1, max: 1_000_000 }), 3_000, {
    description: "single reports that upstream takes in a minute",
  }),
  usageBulksPerMinute: withDefault("USAGE_BULKS_PER_MINUTE", integer({ min: 1, max: 1_000_000 }), 600, {
    description: "bulks of 100 reports that upstream takes in a minute",
  }),
  usageEventsPerSecond: withDefault("USAGE_EVENTS_PER_SECOND", integer({ min: 1, max: 1_000_000 }), 1_000, {
    description: "events that upstream takes in a second",
  }),
  usageDeduplicationMs: withDefault(
    "USAGE_DEDUPLICATION_MS",
    integer({ min: 1_000, max: 30 * 24 * HOUR_MS, unit: "milliseconds" }),
    23 * HOUR_MS,
    {
      description:
        "for how long upstream is sure to know an idempotency key again, milliseconds; a report whose answer was lost is not repeated after that",
    },
  ),
} as const;

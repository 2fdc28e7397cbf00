import type { Outbox } from "../../../ports/outbox.js";
import { gauge, labelled, type LabelledValue, type Metric } from "./metric.js";

/** What the outbox counts. Its counters go on where the process before left off. */
export const OUTBOX_METRICS: readonly Metric<Outbox>[] = [
  labelled(
    "counter",
    "sidecar_outbox_reports_total",
    "Reports and events by how far they have come: accepted is all of them; rejected and in_doubt contain those that were dropped.",
    ["state"],
    ({ state: { totals } }): readonly LabelledValue[] => [
      [["accepted"], totals.accepted],
      [["delivered"], totals.delivered],
      [["rejected"], totals.rejected],
      [["in_doubt"], totals.stale],
      [["dropped"], totals.dropped],
    ],
  ),
  gauge(
    "sidecar_outbox_pending_reports",
    "Reports and events that are accepted and not delivered.",
    ({ state }) => state.pending,
  ),
  gauge(
    "sidecar_outbox_pending_entries",
    "Reports that upstream is going to get of those: deltas of one feature and period are one.",
    ({ state }) => state.entries.size + state.events.length,
  ),
  gauge("sidecar_outbox_oldest_age_seconds", "How long the oldest of them waits; 0: nothing does.", ({ state }) =>
    Math.max(0, (Date.now() - (state.oldestAt() ?? Date.now())) / 1_000),
  ),
  gauge(
    "sidecar_outbox_aside_items",
    "Rejected and in doubt, for an operator to decide on.",
    ({ state }) => state.aside.size,
  ),
  gauge("sidecar_outbox_bytes", "Bytes that the outbox takes of the disk.", ({ bytes }) => bytes),
  gauge("sidecar_outbox_max_bytes", "Bytes that it may take.", ({ maxBytes }) => maxBytes),
  gauge(
    "sidecar_outbox_damaged_records",
    "Records that could not be read when it was opened.",
    ({ damagedRecords }) => damagedRecords,
  ),
];

import type { RecentChange } from "../../recent-changes.js";
import type { RecentDenial } from "../../recent-denials.js";
import { number, Panel, Rows, TimeOfDay } from "./parts.js";

const SHOWN = 15;

/** The latest checks that were denied, and why. */
export function DenialsPanel({ denials }: { readonly denials: readonly RecentDenial[] }) {
  return (
    <Panel id="denials" title="Recent denials" isWide>
      <Rows
        titles={["when", "customer", "entitlement", "reason", "used of limit"]}
        items={denials.slice(0, SHOWN)}
        none="none since the start"
        row={({ at, customerId, resourceId, id, reason, isFallback, used, limit }) => (
          <>
            <td>
              <TimeOfDay at={at} />
            </td>
            <td>{subjectText(customerId, resourceId)}</td>
            <td>{id}</td>
            <td>
              {reason}
              {isFallback && " (fallback)"}
            </td>
            <td>{used === undefined ? "" : `${number.format(used)} of ${number.format(limit ?? 0)}`}</td>
          </>
        )}
      />
    </Panel>
  );
}

/** The latest changes that were heard, from upstream or from whoever else writes to Redis. */
export function ChangesPanel({ changes }: { readonly changes: readonly RecentChange[] }) {
  return (
    <Panel id="changes" title="Changes" isWide>
      <Rows
        titles={["when", "what", "customer", "entitlement"]}
        items={changes.slice(0, SHOWN)}
        none="none heard since the start"
        row={({ at, type, customerId, resourceId, entitlement }) => (
          <>
            <td>
              <TimeOfDay at={at} />
            </td>
            <td>{type}</td>
            <td>{customerId !== undefined && subjectText(customerId, resourceId)}</td>
            <td>{entitlement}</td>
          </>
        )}
      />
    </Panel>
  );
}

function subjectText(customerId: string, resourceId: string | undefined): string {
  return resourceId === undefined ? customerId : `${customerId} ${resourceId}`;
}

import { hostname } from "node:os";

/** Who asks, for upstream's support to find a request by. */
export interface ClientIdentity {
  /** Read at each request: it may be replaced. */
  readonly apiKey: string;
  /** The kind of client, as upstream's own clients name theirs in capitals. */
  readonly source: string;
  /** A UUID of this process. */
  readonly instanceId: string;
  /** When this process started, epoch milliseconds. */
  readonly startedAt: number;
}

/** What every request to upstream carries, and what opens the update stream. */
export function identityHeaders(
  identity: ClientIdentity,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const { source, instanceId, startedAt } = identity;
  return {
    ...more,
    get "X-API-KEY"() {
      return identity.apiKey;
    },
    source,
    "X-SDK-INSTANCE-ID": instanceId,
    "X-SDK-OS-PROCESS-HOSTNAME": headerText(hostname()),
    "X-SDK-OS-PROCESS-ID": String(process.pid),
    "X-SDK-OS-PROCESS-TIMESTAMP": new Date(startedAt).toISOString(),
  };
}

/** A machine may be named in any script; a header may not. */
function headerText(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, "?");
}

/** What an access rule may allow apart from the others. */
export const METHOD_GROUPS = ["check", "report", "reload", "health", "reflection"] as const;

export type MethodGroup = (typeof METHOD_GROUPS)[number];

/** A method that the port serves, as rules and counters know it. */
export interface ServedMethod {
  /** Its place among all of them. */
  readonly index: number;
  /** For logs and metrics: "GetEntitlement", "Health/Check". */
  readonly name: string;
  /** "/stigg.sidecar.v1.SidecarService/GetEntitlement" */
  readonly path: string;
  readonly group: MethodGroup;
}

/** The protocols of the one port, in the order of their counters. "other" is what names none of them. */
export const PROTOCOLS = ["grpc", "grpc-web", "grpc-web-text", "connect", "connect-stream", "ofrep", "other"] as const;

export type Protocol = (typeof PROTOCOLS)[number];

const PROTOCOL_INDEX: ReadonlyMap<Protocol, number> = new Map(PROTOCOLS.map((protocol, index) => [protocol, index]));

export function protocolIndex(protocol: Protocol): number {
  return PROTOCOL_INDEX.get(protocol) ?? 0;
}

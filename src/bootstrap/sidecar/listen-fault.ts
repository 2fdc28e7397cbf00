import { readFileSync } from "node:fs";

/** Which setting, or option of the command line, says where something listens. */
export interface ListenAddress {
  readonly port: number;
  /** Undefined: on all addresses. */
  readonly host: string | undefined;
  /** What the port and the host are called where they are set: "GRPC_PORT", "LISTEN_HOST"; no host where none can be set. */
  readonly portName: string;
  readonly hostName?: string | undefined;
}

const UNPRIVILEGED_START = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
const DEFAULT_UNPRIVILEGED_START = 1_024;
/** What listening asks of the system: a file that cannot be read on the way to it is another matter. */
const LISTENING: ReadonlySet<string> = new Set(["listen", "bind", "getaddrinfo"]);

/**
 * Why something cannot listen, and what to do about it.
 *
 * @param error what listening failed with, or one that has it as its cause
 */
export function listenFault(error: unknown, { port, host, portName, hostName }: ListenAddress): string {
  const where = host === undefined ? `port ${port}` : `port ${port} of ${host}`;
  switch (systemCodeOf(error) ?? "") {
    case "EACCES":
      return port < unprivilegedStart()
        ? `${portName}: this user may not listen on ${where}, since ports below ${unprivilegedStart()} are reserved: give the process CAP_NET_BIND_SERVICE, or set the sysctl net.ipv4.ip_unprivileged_port_start=${port} (of the container or the pod), or set ${portName} to a port from ${unprivilegedStart()} on`
        : `${portName}: this user may not listen on ${where}: choose another ${portName}`;
    case "EADDRINUSE":
      return `${portName}: ${where} is in use (EADDRINUSE): end what listens there, or choose another ${portName}`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EINVAL":
    case "EAFNOSUPPORT":
      return hostName === undefined
        ? `${portName}: cannot listen on ${where} (${reasonOf(error)}): choose another ${portName}`
        : `${hostName}: this machine has no address ${host ?? ""} to listen on (${reasonOf(error)}): choose a ${hostName} that it has`;
    default:
      return `${portName}: cannot listen on ${where} (${reasonOf(error)}): choose another ${portName}`;
  }
}

/** Whether it is about listening at all: other failures explain themselves. */
export function isListenFault(error: unknown): boolean {
  return systemCodeOf(error) !== undefined;
}

function systemCodeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, syscall } = at as NodeJS.ErrnoException;
    if (syscall !== undefined && LISTENING.has(syscall)) return code;
  }
  return undefined;
}

function reasonOf(error: unknown): string {
  let reason = String(error);
  for (let at = error; at instanceof Error; at = at.cause) reason = at.message;
  return reason;
}

function unprivilegedStart(): number {
  try {
    return Number.parseInt(readFileSync(UNPRIVILEGED_START, "utf8"), 10);
  } catch {
    return DEFAULT_UNPRIVILEGED_START;
  }
}

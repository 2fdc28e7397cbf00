import { readFileSync } from "node:fs";

/**
 * The service cannot start as it is configured. The message tells the operator what to change, so it is
 * shown as it is, without a stack.
 */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** What the process ends with, after sysexits.h. */
export const EXIT_CODES = { ok: 0, unexpected: 70, configuration: 78 } as const;

/** What the operator can mend is reported plainly; anything else is a defect and goes the way of all defects. */
export function refuseToStart(program: string, error: unknown): void {
  const message = error instanceof StartError ? error.message : environmentFault(error);
  if (message === undefined) throw error;
  process.stderr.write(`${program} cannot start.\n${message}\n`);
  process.exitCode = EXIT_CODES.configuration;
}

/** What to do about what the system refuses to any program, by its code. */
const REMEDIES: Readonly<Partial<Record<string, string>>> = {
  EMFILE:
    "this process may open too few files: raise its limit to 1024 or more (ulimit -n, LimitNOFILE= of systemd, --ulimit nofile= of Docker)",
  ENFILE: "the system has as many files open as it allows: raise fs.file-max, or end what has so many open",
  ENOSPC: "there is no room: make some on the disk, or raise fs.inotify.max_user_watches where files are watched",
  EDQUOT: "the quota of the disk is used up: make room, or raise it",
  EROFS: "the file system is read-only: mount a volume that can be written to there",
  EACCES: "the permission is missing: give this user the right, or run it as another one",
  EPERM: "the permission is missing: give this user the right, or run it as another one",
  ENOMEM: "there is too little memory: give the process or its container more",
  EIO: "the disk failed: look at the system's log",
};

/** What the system refuses, and the remedy, in one line; undefined for what is no fault of the environment. */
export function environmentFault(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    const remedy = code === undefined ? undefined : REMEDIES[code];
    if (remedy !== undefined && syscall !== undefined) return `${remedy} (${cause.message})`;
    if (!(cause instanceof AggregateError)) continue;
    const found = cause.errors.map(environmentFault).find((fault) => fault !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Which setting, or option of the command line, says where something listens. */
interface ListenAddress {
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
    default: {
      const fault = environmentFault(error);
      return fault === undefined
        ? `${portName}: cannot listen on ${where} (${reasonOf(error)}): choose another ${portName}`
        : `${portName}: cannot listen on ${where}: ${fault}`;
    }
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

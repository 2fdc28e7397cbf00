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
  }
  return undefined;
}

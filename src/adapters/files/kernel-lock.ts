import { createRequire } from "node:module";

/** What of `fs-native-extensions` is used. */
interface NativeLocks {
  tryLock(fd: number): boolean;
}

/** A lock of the operating system: it ends with its process, however that ends, and no two can have it. */
export type KernelLock = (fd: number) => "acquired" | "taken" | "unsupported";

/**
 * The lock of this system. The library has no code for every system, and some file systems keep no locks: then it is
 * "unsupported".
 */
export function loadKernelLock(): KernelLock {
  let native: NativeLocks;
  try {
    native = createRequire(import.meta.url)("fs-native-extensions") as NativeLocks;
  } catch {
    return () => "unsupported";
  }
  return (fd) => {
    try {
      return native.tryLock(fd) ? "acquired" : "taken";
    } catch (error) {
      // What POSIX allows beside EAGAIN, which the library reads.
      return (error as NodeJS.ErrnoException).code === "EACCES" ? "taken" : "unsupported";
    }
  };
}

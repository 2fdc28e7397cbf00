import { tryLock } from "./disk.js";

export type KernelLock = (fd: number) => "acquired" | "taken" | "unsupported";

/** The virtual machine's lock in place of the system's. */
export function loadKernelLock(): KernelLock {
  return tryLock;
}

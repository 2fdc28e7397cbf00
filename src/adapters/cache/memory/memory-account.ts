/** What a cache takes, bytes, estimated: what customers hold of their own, and once each what they share. */
export class MemoryAccount {
  bytes = 0;
}

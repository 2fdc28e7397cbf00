/** A header block cannot be read. What its sender and its reader know differs from then on: the connection is lost. */
export class HpackFault extends Error {
  override readonly name = "HpackFault";
}

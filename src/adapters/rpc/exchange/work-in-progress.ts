/** Calls off the fast path that are served at a time. Each holds some 30 kB, a stream of answers for as long as its caller likes. */
const MAX_CALLS = 1_000;
/** From then on, only connections with few of them begin more. */
const FEW = 10;
const MAX_CALLS_OF_ALL = 1_500;

/** Bounds the calls off the fast path that are under way in the process. */
export class WorkInProgress {
  #calls = 0;
  readonly #callsOf = new Map<object, number>();

  /** @returns false where there are too many: the call is not to be served */
  begin(connection: object): boolean {
    const own = this.#callsOf.get(connection) ?? 0;
    if (this.#calls >= (own < FEW ? MAX_CALLS_OF_ALL : MAX_CALLS)) return false;
    this.#calls++;
    this.#callsOf.set(connection, own + 1);
    return true;
  }

  /** A call that has begun is over. */
  end(connection: object): void {
    this.#calls--;
    const own = (this.#callsOf.get(connection) ?? 0) - 1;
    if (own > 0) this.#callsOf.set(connection, own);
    else this.#callsOf.delete(connection);
  }
}

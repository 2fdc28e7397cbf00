/** Keeps the event loop for longer than a turn may take. */
export function burn(): void {
  const until = performance.now() + 12;
  while (performance.now() < until);
}

/** How often something happens in one turn of the event loop. */
export class LoopTurns {
  turns = 0;
  most = 0;
  #inThisTurn = 0;
  #isOver = false;

  constructor() {
    this.#next();
  }

  count(): void {
    this.#inThisTurn++;
    this.most = Math.max(this.most, this.#inThisTurn);
  }

  end(): void {
    this.#isOver = true;
  }

  #next(): void {
    this.turns++;
    this.#inThisTurn = 0;
    if (!this.#isOver) setImmediate(() => this.#next());
  }
}

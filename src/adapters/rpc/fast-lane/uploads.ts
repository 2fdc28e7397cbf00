/** A call whose request is still arriving, or no longer is. */
export interface Upload {
  readonly isArriving: boolean;
  /** Has the call end by itself unless the request is whole in time. */
  limitArrival(): void;
}

/**
 * Limits the time that a request may take to arrive. Nearly all are whole within the turn of the event loop
 * that they begin in, and those cost no timer.
 */
export class Uploads {
  #begun: Upload[] = [];

  begin(upload: Upload): void {
    if (this.#begun.push(upload) === 1) setImmediate(this.#limitThoseThatLast);
  }

  readonly #limitThoseThatLast = (): void => {
    const begun = this.#begun;
    this.#begun = [];
    for (const upload of begun) if (upload.isArriving) upload.limitArrival();
  };
}

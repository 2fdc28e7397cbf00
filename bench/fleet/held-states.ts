const EMPTY = -1;
const FIRST_SLOTS = 1_024;
const SCATTER = 0x9e3779b1;

/** Which customers a sidecar has cached, of which version and up to when verified: three numbers each, in open addressing. */
export class HeldStates {
  #customers = new Int32Array(FIRST_SLOTS).fill(EMPTY);
  #versions = new Int32Array(FIRST_SLOTS);
  #verifiedAt = new Float32Array(FIRST_SLOTS);
  #count = 0;

  /** @returns where a customer is; -1: nowhere */
  find(customer: number): number {
    const slot = this.#slotOf(customer);
    return this.#customers[slot] === customer ? slot : -1;
  }

  versionAt(slot: number): number {
    return this.#versions[slot]!;
  }

  verifiedAt(slot: number): number {
    return this.#verifiedAt[slot]!;
  }

  put(customer: number, version: number, verifiedAt: number): void {
    if (this.#count * 2 >= this.#customers.length) this.#grow();
    const slot = this.#slotOf(customer);
    if (this.#customers[slot] === EMPTY) this.#count++;
    this.#customers[slot] = customer;
    this.#versions[slot] = version;
    this.#verifiedAt[slot] = verifiedAt;
  }

  clear(): void {
    this.#customers.fill(EMPTY);
    this.#count = 0;
  }

  #slotOf(customer: number): number {
    const mask = this.#customers.length - 1;
    let slot = (Math.imul(customer, SCATTER) >>> 7) & mask;
    while (this.#customers[slot] !== EMPTY && this.#customers[slot] !== customer) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [customers, versions, verifiedAt] = [this.#customers, this.#versions, this.#verifiedAt];
    this.#customers = new Int32Array(customers.length * 2).fill(EMPTY);
    this.#versions = new Int32Array(this.#customers.length);
    this.#verifiedAt = new Float32Array(this.#customers.length);
    this.#count = 0;
    for (let slot = 0; slot < customers.length; slot++)
      if (customers[slot] !== EMPTY) this.put(customers[slot]!, versions[slot]!, verifiedAt[slot]!);
  }
}

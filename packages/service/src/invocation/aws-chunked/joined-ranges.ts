/**
 * Joins ranges of a buffer, in order. Ranges that adjoin are not copied, and all others go into one buffer: a buffer for each
 * would cost many times its bytes when a client sends chunks of one byte.
 */
export class JoinedRanges {
  readonly #input: Buffer;
  #from = 0;
  #to = 0;
  #copy: Buffer | undefined;
  #copied = 0;

  constructor(input: Buffer) {
    this.#input = input;
  }

  add(from: number, to: number): void {
    if (from === this.#to) {
      this.#to = to;
      return;
    }
    this.#copyRange();
    this.#from = from;
    this.#to = to;
  }

  take(): Buffer {
    if (this.#copy === undefined) return this.#input.subarray(this.#from, this.#to);
    this.#copyRange();
    return this.#copy.subarray(0, this.#copied);
  }

  #copyRange(): void {
    if (this.#from === this.#to) return;
    this.#copy ??= Buffer.allocUnsafe(this.#input.length);
    this.#copied += this.#input.copy(this.#copy, this.#copied, this.#from, this.#to);
  }
}

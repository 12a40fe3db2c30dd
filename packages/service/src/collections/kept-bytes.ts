import { ownBytes } from "./own-bytes.ts";

/** Bytes that are kept to recognize the same ones. */
export class KeptBytes {
  readonly #bytes: Buffer;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @returns nothing for more bytes than `max`. */
  static of(bytes: Buffer, max: number): KeptBytes | undefined {
    if (bytes.length > max) return undefined;
    return new KeptBytes(ownBytes(bytes));
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Whether other bytes begin with these. */
  isAt(bytes: Buffer): boolean {
    const { length } = this.#bytes;
    return bytes.length >= length && bytes.compare(this.#bytes, 0, length, 0, length) === 0;
  }
}

/** Memory is taken in multiples of this many bytes, so that the next ones mostly fit. */
const STEP_BYTES = 512;

/** This many of the last bytes are compared first: most texts of one client differ near their ends. */
const COMPARED_FIRST = 16;

const NONE = Buffer.alloc(0);

/** The latest bytes that were kept, to recognize the same ones. They are copied into the same memory each time, which nothing else uses. */
export class KeptBytes {
  readonly #max: number;
  #memory = NONE;
  #bytes = NONE;

  /** @param max the most bytes that are kept. */
  constructor(max: number) {
    this.#max = max;
  }

  /** @returns whether they are kept: of more bytes than the most, none are. */
  keep(bytes: Buffer): boolean {
    const { length } = bytes;
    const fits = length <= this.#max;
    if (fits && length > this.#memory.length) {
      // Not from Node's pool: a pool that small buffers share lives as long as the last of them.
      this.#memory = Buffer.allocUnsafeSlow(Math.ceil(length / STEP_BYTES) * STEP_BYTES);
    }
    this.#bytes = fits ? this.#memory.subarray(0, length) : NONE;
    return bytes.copy(this.#bytes) > 0;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Whether other bytes begin with these. */
  isPrefixOf(bytes: Buffer): boolean {
    const kept = this.#bytes;
    const { length } = kept;
    if (length === 0 || bytes.length < length || !endsAlike(bytes, kept)) return false;
    return bytes.length === length ? bytes.equals(kept) : bytes.compare(kept, 0, length, 0, length) === 0;
  }
}

/** A call of `compare` costs more than this loop. */
function endsAlike(bytes: Buffer, kept: Buffer): boolean {
  for (let at = Math.max(0, kept.length - COMPARED_FIRST); at < kept.length; at += 1)
    if (bytes[at] !== kept[at]) return false;
  return true;
}

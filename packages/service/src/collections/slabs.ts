/** Size of the first slab, in bytes: most bodies in tiny pieces are small. */
const FIRST_SLAB_BYTES = 1_024;

/** Size of the largest slab, in bytes. */
const MAX_SLAB_BYTES = 1_024 * 1_024;

/**
 * Pieces smaller than this, in bytes, are copied. A Buffer costs hundreds of bytes in addition to its content, so a mebibyte in
 * pieces of one byte would take hundreds of megabytes.
 */
export const SMALL_CHUNK_BYTES: number = 2_048;

/** The first small pieces of a body, this many, are passed on as they come, and those after them are joined: few bodies have more. */
export const UNJOINED_CHUNKS: number = 16;

/**
 * A buffer for bytes that arrive in pieces, which are copied into it. Each slab is as large as all before it together, so that
 * at most twice the bytes are allocated, and nothing is copied twice.
 */
export class Slabs {
  readonly #expected: number;
  #slabs: Buffer[] = [];
  /** How many bytes of the last slab are in use. */
  #used = 0;
  #length = 0;
  #allocated = 0;

  /** @param expected the most bytes that will be appended, if that is known. */
  constructor(expected: number = Number.POSITIVE_INFINITY) {
    this.#expected = expected;
  }

  /** Bytes appended. */
  get length(): number {
    return this.#length;
  }

  /** Bytes allocated for the slabs. */
  get allocated(): number {
    return this.#allocated;
  }

  /**
   * @param mayAllocate called before each slab is allocated, with its size in bytes.
   * @returns whether the whole piece was appended.
   */
  append(chunk: Buffer, mayAllocate: (bytes: number) => boolean = always): boolean {
    for (let offset = 0; offset < chunk.length;) {
      const last = this.#slabs.at(-1);
      if (last === undefined || this.#used === last.length) {
        const size = this.#nextSize();
        if (!mayAllocate(size)) return false;
        // Not from Node's pool: a pool that small buffers share lives as long as the last of them.
        this.#slabs.push(Buffer.allocUnsafeSlow(size));
        this.#allocated += size;
        this.#used = 0;
        continue;
      }
      const copied = chunk.copy(last, this.#used, offset);
      offset += copied;
      this.#used += copied;
      this.#length += copied;
    }
    return true;
  }

  /** Removes and returns all bytes, in order. */
  take(): readonly Buffer[] {
    const slabs = this.#slabs;
    const last = slabs.at(-1);
    if (last !== undefined) slabs[slabs.length - 1] = last.subarray(0, this.#used);
    this.#slabs = [];
    this.#used = 0;
    this.#length = 0;
    this.#allocated = 0;
    return slabs;
  }

  #nextSize(): number {
    const size = Math.min(Math.max(this.#allocated, FIRST_SLAB_BYTES), MAX_SLAB_BYTES);
    const left = this.#expected - this.#length;
    return left > 0 ? Math.min(size, left) : size;
  }
}

function always(): boolean {
  return true;
}

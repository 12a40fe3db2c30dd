import type { ListenerOptions } from "../listener.ts";
import { LatestHead } from "./latest-head.ts";
import type { FastHead } from "./request-head.ts";
import { mayBecomeFastHead, readFastHead } from "./request-head.ts";
import { MAX_WAITING_BYTES } from "./waiting-bytes.ts";

/** A head in more pieces than this goes to the other lane: each piece costs as much as all before it. */
const MAX_PIECES = 8;

/** The end of a head. */
const END_OF_HEAD = "\r\n\r\n";

export type HeadReaderOptions = Pick<ListenerOptions, "maxHeaderBytes" | "keepsHeads">;

/** A head that was read. */
export interface HeadOfRequest {
  readonly head: FastHead;
  /** The same bytes have come before: this object is the same, too. */
  readonly isRepeated: boolean;
  /** In bytes. */
  readonly length: number;
}

/** Reads the heads of one connection. */
export class HeadReader {
  readonly #options: HeadReaderOptions;
  /** In how many pieces the head that is awaited has come. */
  #pieces = 0;
  #latest: LatestHead | undefined;

  constructor(options: HeadReaderOptions) {
    this.#options = options;
  }

  /**
   * Reads the head that the bytes begin with.
   *
   * @param bytes all that has come of it.
   * @returns that its rest has to be waited for, or that it is for the other lane.
   */
  read(bytes: Buffer): HeadOfRequest | "part" | "other lane" {
    const latest = this.#latest;
    if (latest?.isPrefixOf(bytes) === true) {
      const repeated = latest.repeated(readFastHead);
      this.#pieces = 0;
      if (repeated !== undefined) return { head: repeated, isRepeated: true, length: latest.length };
    }
    const length = bytes.indexOf(END_OF_HEAD, 0, "latin1") + END_OF_HEAD.length;
    if (length < END_OF_HEAD.length) return this.#mayWait(bytes) ? "part" : "other lane";
    this.#pieces = 0;
    const own = length === bytes.length ? bytes : bytes.subarray(0, length);
    const head = length > this.#options.maxHeaderBytes ? undefined : readFastHead(own);
    if (head === undefined) return "other lane";
    if (this.#options.keepsHeads) (this.#latest ??= new LatestHead()).keep(own, head);
    return { head, isRepeated: false, length };
  }

  /** Forgets the latest head. */
  forget(): void {
    this.#latest = undefined;
  }

  /** Whether a part of a head waits for the rest. One of more than what may wait would never be whole. */
  #mayWait(bytes: Buffer): boolean {
    this.#pieces += 1;
    return (
      this.#pieces <= MAX_PIECES &&
      bytes.length <= this.#options.maxHeaderBytes &&
      bytes.length < MAX_WAITING_BYTES &&
      mayBecomeFastHead(bytes)
    );
  }
}

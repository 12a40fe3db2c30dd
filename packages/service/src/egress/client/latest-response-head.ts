import { KeptBytes } from "../../collections/kept-bytes.ts";
import { MAX_KEPT_HEAD_BYTES, hasFewLines } from "../../http1/kept-head.ts";

const NONE = Buffer.alloc(0);

/** What was read of a head whose body has a length: nothing of it depends on what the parser does later. */
export interface ReadResponseHead {
  readonly status: number;
  readonly reason: string;
  /** The same list for all responses that begin with this head. */
  readonly headers: string[];
  readonly shouldKeepAlive: boolean;
  readonly keepAliveMs: number;
  /** Of the body, in bytes. */
  readonly length: number;
}

/** The latest head that a pool's connections have received: targets send the same head again within a second. */
export class LatestResponseHead {
  readonly #kept = new KeptBytes(MAX_KEPT_HEAD_BYTES);
  #head: ReadResponseHead | undefined;

  /** @returns what was read of the head that the bytes begin with, and its length, if it is the latest one. */
  find(bytes: Buffer): ReadResponseHead | undefined {
    return this.#kept.isPrefixOf(bytes) ? this.#head : undefined;
  }

  /** In bytes. */
  get length(): number {
    return this.#kept.length;
  }

  /** Nothing is kept for a head that is too long, or has too many lines. */
  keep(bytes: Buffer, head: ReadResponseHead): void {
    const isKept = this.#kept.keep(hasFewLines(head.headers) ? bytes : NONE);
    this.#head = isKept ? head : undefined;
  }
}

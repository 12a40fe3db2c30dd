import { KeptBytes } from "../../collections/kept-bytes.ts";
import { MAX_KEPT_HEAD_BYTES, hasFewLines } from "../kept-head.ts";
import type { FastHead } from "./request-head.ts";

const NONE = Buffer.alloc(0);

/** The latest head of a connection, by which one with the same bytes is found: most clients send the same head again. */
export class LatestHead {
  readonly #kept = new KeptBytes(MAX_KEPT_HEAD_BYTES);
  #repeated: FastHead | undefined;

  /** Nothing is kept for a head that is too long, or has too many lines. */
  keep(bytes: Buffer, { rawHeaders }: Pick<FastHead, "rawHeaders">): void {
    this.#kept.keep(hasFewLines(rawHeaders) ? bytes : NONE);
    this.#repeated = undefined;
  }

  get length(): number {
    return this.#kept.length;
  }

  /** Whether the bytes begin with this head. */
  isPrefixOf(bytes: Buffer): boolean {
    return this.#kept.isPrefixOf(bytes);
  }

  /**
   * The shared head object for all requests that repeat these bytes.
   *
   * @param read takes the bytes apart, once for all repetitions: the first request has changed its own list of headers.
   */
  repeated(read: (bytes: Buffer) => FastHead | undefined): FastHead | undefined {
    return (this.#repeated ??= read(this.#kept.bytes));
  }
}

import { KeptBytes } from "../../collections/kept-bytes.ts";
import type { FastHead } from "./request-head.ts";

/** Longest head that is kept, in bytes: each connection keeps one. */
const MAX_BYTES = 4_096;

/** A head that has come again: all requests that have it share this object, and its list of headers. */
export class RepeatedHead {
  readonly head: FastHead;

  constructor(head: FastHead) {
    this.head = head;
  }
}

/** The latest head of a connection, by which one with the same bytes is found: most clients send the same head again. */
export class LatestHead {
  readonly #kept = new KeptBytes(MAX_BYTES);
  #repeated: RepeatedHead | undefined;

  /** Nothing is kept for a head that is too long. */
  keep(bytes: Buffer): void {
    this.#kept.keep(bytes);
    this.#repeated = undefined;
  }

  get length(): number {
    return this.#kept.length;
  }

  /** Whether the bytes begin with this head. */
  isAt(bytes: Buffer): boolean {
    return this.#kept.isPrefixOf(bytes);
  }

  /** @param read takes the bytes apart, once for all repetitions: the first request has changed its own list of headers. */
  repeated(read: (bytes: Buffer) => FastHead | undefined): RepeatedHead | undefined {
    if (this.#repeated !== undefined) return this.#repeated;
    const head = read(this.#kept.bytes);
    return head === undefined ? undefined : (this.#repeated = new RepeatedHead(head));
  }
}

import { nextTick } from "node:process";
import { SMALL_CHUNK_BYTES, UNJOINED_CHUNKS } from "../../collections/slabs.ts";
import type { DownstreamConnection, DownstreamRequest } from "../downstream.ts";
import { HeldBytes } from "./held-bytes.ts";
import { LazyEvents } from "./lazy-events.ts";
import type { FastHead } from "./request-head.ts";

/** With this many bytes joined, they are passed on. */
const MAX_JOINED_BYTES = 64 * 1024;

/** The connection of a request, and what the request tells it. */
export interface RequestOwner extends DownstreamConnection {
  /** The body is not read at this moment, and more of it is to come: the connection must not be read, either. */
  pauseBody(): void;
  resumeBody(): void;
  /** The body was received whole. */
  onReceived(): void;
}

/**
 * A request of the fast lane. The length of its body is known from its head.
 *
 * Many small pieces are joined until the end of the turn of the event loop: one read of a connection with TLS has thousands of records of
 * one byte, and each piece costs a system call towards the target.
 */
export class NativeRequest extends LazyEvents implements DownstreamRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion = "1.1";
  readonly rawHeaders: string[];
  readonly repeated: FastHead | undefined;
  readonly #owner: RequestOwner;
  /** How many bytes of the body have not arrived. */
  #missing: number;
  /** What has arrived, and its reader has not taken. While it is paused it is one read at most, since the connection is paused then. */
  readonly #waiting = new HeldBytes();
  #smallPieces = 0;
  /** Undefined before the first `resume`, `pause` or listener for `data`, as in Node's streams. */
  #isFlowing: boolean | undefined;
  #isFlushScheduled = false;
  #isDropped = false;
  #isEnded = false;

  /** @param isRepeated the head has come before. */
  constructor(head: FastHead, isRepeated: boolean, owner: RequestOwner) {
    super();
    this.method = head.method;
    this.url = head.url;
    this.rawHeaders = head.rawHeaders;
    this.repeated = isRepeated ? head : undefined;
    this.#missing = head.length;
    this.#owner = owner;
  }

  get socket(): DownstreamConnection {
    return this.#owner;
  }

  get complete(): boolean {
    return this.#missing === 0;
  }

  override on(event: string, listener: (chunk: Buffer) => void): this {
    super.on(event, listener);
    if (event === "data" && this.#isFlowing === undefined) this.resume();
    return this;
  }

  pause(): void {
    this.#isFlowing = false;
  }

  resume(): void {
    this.#isFlowing = true;
    if (this.#waiting.length === 0 && this.#missing > 0) this.#owner.resumeBody();
    else if (!this.#isEnded) this.#flushLater(nextTick);
  }

  /** Reads the rest of the body and passes nothing on. */
  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#waiting.take();
    if (this.#missing > 0) this.#owner.resumeBody();
  }

  /**
   * Takes what of the bytes belongs to the body.
   *
   * @returns what follows the body.
   */
  take(bytes: Buffer): Buffer | undefined {
    if (this.#missing === 0) return bytes;
    const piece = bytes.length > this.#missing ? bytes.subarray(0, this.#missing) : bytes;
    this.#missing -= piece.length;
    this.#pass(piece);
    if (this.#missing === 0) this.#owner.onReceived();
    return bytes.length > piece.length ? bytes.subarray(piece.length) : undefined;
  }

  /** The connection is closed. */
  close(): void {
    this.emit("close");
  }

  flush(): void {
    this.#isFlushScheduled = false;
    if (this.#isFlowing !== true) return;
    const piece = this.#waiting.take();
    if (piece !== undefined) this.emit("data", piece);
    if (this.#missing === 0) this.#end();
    else if (this.#isFlowing) this.#owner.resumeBody();
  }

  #pass(piece: Buffer): void {
    if (this.#isDropped) return;
    if (this.#isFlowing !== true) {
      this.#waiting.add(piece);
      if (this.#missing > 0) this.#owner.pauseBody();
    } else if (this.#waiting.length > 0 || this.#isOneOfManySmall(piece)) {
      this.#waiting.add(piece);
      if (this.#waiting.length >= MAX_JOINED_BYTES) this.flush();
      // Not with `nextTick`: Node runs that queue after every piece.
      else this.#flushLater(setImmediate);
    } else {
      this.emit("data", piece);
      this.#end();
    }
  }

  #isOneOfManySmall(piece: Buffer): boolean {
    if (piece.length >= SMALL_CHUNK_BYTES) return false;
    this.#smallPieces += 1;
    return this.#smallPieces > UNJOINED_CHUNKS;
  }

  /** A flush that is scheduled already comes soon enough. */
  #flushLater(
    schedule: (callback: (request: NativeRequest) => void, request: NativeRequest) => unknown,
  ): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    schedule(flush, this);
  }

  /** Tells the reader that there is no more, if it has taken all and waits. */
  #end(): void {
    if (this.#missing > 0 || this.#isEnded || this.#isFlowing !== true || this.#waiting.length > 0) return;
    this.#isEnded = true;
    this.emit("end");
  }
}

function flush(request: NativeRequest): void {
  request.flush();
}

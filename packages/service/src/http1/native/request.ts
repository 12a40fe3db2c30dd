import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { nextTick } from "node:process";
import type { DownstreamRequest } from "../downstream.ts";
import type { RepeatedHead } from "./latest-head.ts";
import type { FastHead } from "./request-head.ts";

/** What a request tells its connection. */
export interface RequestOwner {
  readonly socket: Socket;
  /** The body is not read at this moment, and more of it is to come: the connection must not be read, either. */
  pauseBody(): void;
  resumeBody(): void;
  /** The body was received whole. */
  onReceived(): void;
}

/** A request of the fast lane. The length of its body is known from its head. */
export class NativeRequest extends EventEmitter implements DownstreamRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion = "1.1";
  readonly rawHeaders: string[];
  readonly repeated: RepeatedHead | undefined;
  readonly #owner: RequestOwner;
  /** How many bytes of the body have not arrived. */
  #missing: number;
  /** What has arrived, and its reader has not taken. It is one read at most, since the connection is paused then. */
  #waiting: Buffer | undefined;
  /** Undefined before the first `resume`, `pause` or listener for `data`, as in Node's streams. */
  #isFlowing: boolean | undefined;
  #isFlushScheduled = false;
  #isDropped = false;
  #isEnded = false;

  /** @param repeated the head, if it has come before. */
  constructor(
    { method, url, rawHeaders, length }: FastHead,
    repeated: RepeatedHead | undefined,
    owner: RequestOwner,
  ) {
    super();
    this.method = method;
    this.url = url;
    this.rawHeaders = rawHeaders;
    this.repeated = repeated;
    this.#missing = length;
    this.#owner = owner;
  }

  get socket(): Socket {
    return this.#owner.socket;
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
    if (this.#waiting === undefined && this.#missing > 0) this.#owner.resumeBody();
    else if (!this.#isFlushScheduled && !this.#isEnded) {
      this.#isFlushScheduled = true;
      nextTick(flush, this);
    }
  }

  /** Reads the rest of the body and passes nothing on. */
  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#waiting = undefined;
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
    const piece = this.#waiting;
    this.#waiting = undefined;
    if (piece !== undefined) this.emit("data", piece);
    if (this.#missing === 0) this.#end();
    else if (this.#isFlowing) this.#owner.resumeBody();
  }

  #pass(piece: Buffer): void {
    if (this.#isDropped) return;
    if (this.#isFlowing === true && this.#waiting === undefined) {
      this.emit("data", piece);
      this.#end();
      return;
    }
    this.#waiting = this.#waiting === undefined ? piece : Buffer.concat([this.#waiting, piece]);
    if (this.#missing > 0) this.#owner.pauseBody();
  }

  /** Tells the reader that there is no more, if it has taken all and waits. */
  #end(): void {
    if (this.#missing > 0 || this.#isEnded || this.#isFlowing !== true || this.#waiting !== undefined) return;
    this.#isEnded = true;
    this.emit("end");
  }
}

function flush(request: NativeRequest): void {
  request.flush();
}

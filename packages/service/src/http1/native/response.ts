import type { Socket } from "node:net";
import { nextTick } from "node:process";
import type { BodyFraming, DownstreamResponse } from "../downstream.ts";
import { reasonOf } from "../shared/reason.ts";
import { canDrain } from "../shared/unread-body.ts";
import type { HeadWriter } from "./head-writer.ts";
import { LazyEvents } from "./lazy-events.ts";
import type { NativeRequest } from "./request.ts";
import type { WriteSlab } from "./write-slab.ts";

/** A longer piece is not copied behind its head. */
const MAX_COPIED_BYTES = 16 * 1024;

/** A whole response is written in pieces of so many bytes. */
const PIECE_BYTES = 64 * 1024;

const NOTHING: Buffer = Buffer.alloc(0);

/** What a response tells its connection. */
export interface ResponseOwner {
  readonly socket: Socket;
  /** It uses TLS. */
  readonly encrypted: boolean;
  readonly headWriter: HeadWriter;
  readonly writeSlab: WriteSlab;
  /** The whole response was handed to the operating system. */
  onSent(): void;
}

type Written = (error?: Error | null) => void;

/** A response of the fast lane, the only one of its connection at that time. */
export class NativeResponse extends LazyEvents implements DownstreamResponse {
  readonly req: NativeRequest;
  headersSent = false;
  writableEnded = false;
  writableFinished = false;
  writableNeedDrain = false;
  destroyed = false;
  /** The connection is closed after it. */
  closesConnection = false;
  readonly #owner: ResponseOwner;
  /** The head, until it is written. */
  #head = "";
  #isChunked = false;
  #hasBody = true;
  /** Bytes of a whole response that wait for those before them to be written. */
  #unwritten = 0;
  /** Writes over TLS that were not sent yet. */
  #unsentWrites = 0;
  /** Nothing but these is missing. */
  #endsWithWrites = false;

  constructor(request: NativeRequest, owner: ResponseOwner) {
    super();
    this.req = request;
    this.#owner = owner;
  }

  get writableLength(): number {
    return this.writableFinished ? 0 : this.#owner.socket.writableLength + this.#unwritten;
  }

  /** Parts of a whole response are still to be written; this needs no further event. */
  get isInPieces(): boolean {
    return this.#unwritten > 0;
  }

  writeHead(status: number, reason: string, headers: readonly string[], isRepeated = false): void {
    this.#hasBody = status !== 204 && status !== 304 && this.req.method !== "HEAD";
    const framing = { hasBody: this.#hasBody, closes: this.closesConnection };
    const { text, hasLength } = this.#owner.headWriter.write(status, reason, headers, framing, isRepeated);
    this.#head = text;
    this.#isChunked = this.#hasBody && !hasLength;
    this.headersSent = true;
  }

  flushHeaders(): void {
    if (this.#head !== "") this.#send("", NOTHING, "");
  }

  write(chunk: Buffer, written?: Written): boolean {
    if (!this.#hasBody || chunk.length === 0 || this.destroyed) {
      if (written !== undefined) nextTick(written);
      return true;
    }
    const isRoom = this.#isChunked
      ? this.#send(`${chunk.length.toString(16)}\r\n`, chunk, "\r\n", written)
      : this.#send("", chunk, "", written);
    // What was written at once needs no wait, however much it was.
    if (!isRoom && this.#owner.socket.writableLength > 0) this.writableNeedDrain = true;
    return !this.writableNeedDrain;
  }

  end(): void {
    if (this.writableEnded || this.destroyed) return;
    this.writableEnded = true;
    if (this.#isChunked) this.#send("0\r\n\r\n", NOTHING, "");
    else this.flushHeaders();
    const { socket } = this.#owner;
    // The service has ended its side: what was written after that is not sent.
    if (!socket.writable) return;
    if (socket.writableLength === 0) this.#sent();
    else if (this.#unsentWrites > 0) this.#endsWithWrites = true;
    else socket.write(NOTHING, (error) => void (error instanceof Error || this.#sent()));
  }

  abort(): void {
    // The framing of HTTP/1.1 shows that the body is incomplete (RFC 9112 §8).
    this.#owner.socket.destroy();
  }

  respond(framing: BodyFraming, status: number, headers: readonly string[], body: string): void {
    const bytes = Buffer.from(body);
    const length = status === 204 ? [] : ["Content-Length", String(bytes.length)];
    if (!this.req.complete && !canDrain(framing)) this.closeWithUnreadBody();
    this.writeHead(status, reasonOf(status), [...headers, ...length]);
    this.#writeWhole(this.#hasBody ? bytes : NOTHING);
  }

  /** Writes a piece, and the next one once it was sent: a write of all would not show whether its client reads until it is done. */
  #writeWhole(bytes: Buffer): void {
    this.#unwritten = Math.max(0, bytes.length - PIECE_BYTES);
    if (this.#unwritten === 0) {
      this.write(bytes);
      return this.end();
    }
    this.write(bytes.subarray(0, PIECE_BYTES), (error) => {
      if (!(error instanceof Error) && !this.destroyed) this.#writeWhole(bytes.subarray(PIECE_BYTES));
    });
  }

  closeAfter(): void {
    this.closesConnection = true;
  }

  /** The rest is read and dropped at once: many clients read no response before they have sent the whole request. */
  closeWithUnreadBody(): void {
    this.closesConnection = true;
    this.req.drop();
  }

  /** No request with Expect is on this lane. */
  continueOnRead(): void {}

  /** The connection has room again. */
  drained(): void {
    if (!this.writableNeedDrain) return;
    this.writableNeedDrain = false;
    this.emit("drain");
  }

  /** The connection is closed. */
  close(): void {
    this.destroyed = true;
    if (!this.writableFinished) this.emit("close");
  }

  #sent(): void {
    if (this.writableFinished || this.destroyed) return;
    this.writableFinished = true;
    this.#owner.onSent();
    this.emit("close");
  }

  /** A write over TLS is never done at once: each tells when it was sent, since a further one for that costs a system call. */
  #track(written?: Written): Written | undefined {
    const { encrypted, socket } = this.#owner;
    if (!encrypted) return written;
    this.#unsentWrites += 1;
    return (error) => {
      written?.(error);
      this.#unsentWrites -= 1;
      if (!this.#endsWithWrites || this.#unsentWrites > 0) return;
      // Node reports no error for a write that was cut off by the end of its connection.
      if (!(error instanceof Error) && !socket.destroyed) this.#sent();
    };
  }

  /** Writes the head, if it has not been written, a piece, and what frames it. @returns whether there is room for more. */
  #send(before: string, chunk: Buffer, after: string, written?: Written): boolean {
    const { socket } = this.#owner;
    if (!socket.writable) {
      if (written !== undefined) nextTick(written);
      return true;
    }
    const onWritten = this.#track(written);
    const head = this.#head + before;
    this.#head = "";
    if (head === "") return socket.write(chunk, onWritten);
    if (chunk.length === 0) return socket.write(head, "latin1", onWritten);
    if (chunk.length > MAX_COPIED_BYTES) {
      socket.cork();
      socket.write(head, "latin1");
      const isRoom = socket.write(chunk, after === "" ? onWritten : undefined);
      if (after !== "") socket.write(after, "latin1", onWritten);
      socket.uncork();
      return isRoom;
    }
    return this.#owner.writeSlab.write(socket, head, chunk, after, onWritten);
  }
}

import type { ServerResponse } from "node:http";
import { SMALL_PIECE_BYTES, Slabs } from "../collections/slabs.ts";

/** Small pieces of an answer that are written as they come: nearly every answer has no more. */
const PIECES_UNJOINED = 16;

/** Bytes in small pieces that wait until the target is held back. */
const MOST_WAITING = 16 * 1_024;

/**
 * Writes the body of an answer. Node counts the bytes that wait for a requester, and keeps four entries a piece: in pieces of one
 * byte they would take megabytes. So of many small pieces one is written at a time, and those that come meanwhile are joined.
 */
export class AnswerBody {
  readonly #response: ServerResponse;
  readonly #waiting: Slabs = new Slabs();
  #smallPieces = 0;
  #isWriting = false;
  #isHeldBack = false;
  #resume: () => void = nothing;
  readonly #written = (error?: Error | null): void => {
    if (error instanceof Error) return;
    this.#isWriting = false;
    if (this.#waiting.length > 0) this.#writeWaiting(this.#written);
    if (!this.#isHeldBack) return;
    this.#isHeldBack = false;
    this.#resume();
  };

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** Bytes that wait for the requester. */
  get waiting(): number {
    return this.#response.writableLength + this.#waiting.length;
  }

  /** As far as the connection knows, the requester takes more. */
  get isFlowing(): boolean {
    return !this.#response.writableNeedDrain && this.#waiting.length === 0;
  }

  /** @param resume is called when there is room again, after a piece that left none. */
  begin(resume: () => void): void {
    this.#resume = resume;
  }

  /** @returns whether there is room for more. */
  write(piece: Buffer): boolean {
    if (piece.length >= SMALL_PIECE_BYTES) {
      if (this.#waiting.length > 0) this.#writeWaiting();
    } else if ((this.#smallPieces += 1) > PIECES_UNJOINED) {
      return this.#writeSmall(piece);
    }
    return this.#hasRoom(this.#response.write(piece));
  }

  end(): void {
    if (this.#waiting.length > 0) this.#writeWaiting();
    this.#response.end();
  }

  #writeSmall(piece: Buffer): boolean {
    if (!this.#isWriting && this.#waiting.length === 0) {
      this.#isWriting = true;
      return this.#hasRoom(this.#response.write(piece, this.#written));
    }
    this.#waiting.append(piece);
    this.#isHeldBack = this.#waiting.length >= MOST_WAITING;
    return !this.#isHeldBack;
  }

  #writeWaiting(written?: () => void): void {
    this.#isWriting = written !== undefined || this.#isWriting;
    const slabs = this.#waiting.take();
    for (const [i, slab] of slabs.entries())
      this.#response.write(slab, i === slabs.length - 1 ? written : undefined);
  }

  #hasRoom(hasRoom: boolean): boolean {
    if (!hasRoom) this.#response.once("drain", this.#resume);
    return hasRoom;
  }
}

function nothing(): void {}

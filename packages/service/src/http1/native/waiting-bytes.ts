import type { Socket } from "node:net";
import { joinSmallReads } from "../shared/joined-reads.ts";
import type { PipelineBudget, PipelineShare } from "../shared/pipeline-budget.ts";
import { HeldBytes } from "./held-bytes.ts";

/** With this many bytes waiting for their turn, a connection is not read. */
export const MAX_WAITING_BYTES: number = 64 * 1024;

/** How many of the first bytes are known as text. */
const START_LENGTH = 8;

/**
 * The bytes of a connection that wait for their turn: the part of a head, or what follows the request that is carried out. The socket is
 * read meanwhile, so that a disconnect is noticed, until too much waits or a body is paused.
 */
export class WaitingBytes {
  readonly #socket: Socket;
  /** Of all that waits on all connections. */
  readonly #budget: PipelineBudget;
  readonly #share: PipelineShare = { waiting: 0, bytes: 0 };
  readonly #held = new HeldBytes();
  #start = "";
  #isBodyPaused = false;
  #isPaused = false;
  #joinsReads = false;
  #isReleased = false;

  constructor(socket: Socket, budget: PipelineBudget) {
    this.#socket = socket;
    this.#budget = budget;
  }

  get length(): number {
    return this.#held.length;
  }

  /** The first of them, one character a byte: as long as `CONNECT ` if there are so many. */
  get start(): string {
    return this.#start;
  }

  /** @returns whether the budget has room for them. If not, the connection must be closed. */
  add(bytes: Buffer): boolean {
    this.#held.add(bytes);
    if (this.#start.length < START_LENGTH)
      this.#start += bytes.toString("latin1", 0, START_LENGTH - this.#start.length);
    const hasRoom = this.#budget.reserveBytes(this.#share, bytes.length);
    if (hasRoom) this.updatePause();
    return hasRoom;
  }

  /** The caller updates the pause, once it has used them. */
  take(): Buffer | undefined {
    this.#start = "";
    if (this.#share.bytes > 0) this.#budget.releaseBytes(this.#share, this.#share.bytes);
    return this.#held.take();
  }

  /** @returns all that waits, with these bytes after it. */
  takeWith(bytes: Buffer): Buffer {
    const waiting = this.#held.length === 0 ? undefined : this.take();
    return waiting === undefined ? bytes : Buffer.concat([waiting, bytes]);
  }

  /** @param isPaused the body of the request that is carried out is not read at this moment. */
  pauseBody(isPaused: boolean): void {
    this.#isBodyPaused = isPaused;
    this.updatePause();
  }

  updatePause(): void {
    const isPaused = this.#isBodyPaused || this.#held.length >= MAX_WAITING_BYTES;
    if (isPaused === this.#isPaused || this.#isReleased) return;
    this.#isPaused = isPaused;
    if (!isPaused) return void this.#socket.resume();
    if (!this.#joinsReads) joinSmallReads(this.#socket);
    this.#joinsReads = true;
    this.#socket.pause();
  }

  /** Drops them, and leaves the socket to whatever reads it next. */
  release(): void {
    this.#isReleased = true;
    this.take();
  }
}

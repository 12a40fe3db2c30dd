import type { ServerResponse } from "node:http";
import { SMALL_PIECE_BYTES, Slabs } from "../collections/slabs.ts";
import type { Accounts } from "./accounts.ts";
import type { PieceTurns } from "./piece-turns.ts";
import type { Charge, WaitingResponse, WaitingResponses } from "./waiting-responses.ts";

/** So many small pieces of a response are written unchanged: few responses have more. */
const PIECES_UNJOINED = 16;

/** How many bytes in small pieces may wait before the target is paused. */
const MOST_WAITING = 16 * 1_024;

/** Small pieces that one response may have in a turn: they take the event loop a millisecond or two. */
const PIECES_A_TURN = 512;

/** Bytes that the connection of a paused target has read ahead, about: it reads so many at once. */
const READ_AHEAD = 64 * 1_024;

/** What all response bodies are handed. */
export interface AnswerBodyContext {
  readonly pieceTurns: PieceTurns;
  readonly waiting: WaitingResponses;
}

/** What the response is part of. */
export type AnswerBodyOwner = Pick<WaitingResponse, "accounts" | "evict">;

/**
 * Writes the body of a response. Node counts the bytes that wait for a client, and keeps four entries for each piece: pieces of
 * one byte would take megabytes. So one small piece is written at a time, and those that come meanwhile are joined. Since
 * hundreds of targets could send thousands of pieces at once, they take turns.
 */
export class AnswerBody implements WaitingResponse {
  readonly response: ServerResponse;
  charge: Charge | undefined;
  readonly #context: AnswerBodyContext;
  readonly #owner: AnswerBodyOwner;
  /** Absent until small pieces are joined: most responses have few. */
  #joined: Slabs | undefined;
  #smallPieces = 0;
  #isWriting = false;
  #isFull = false;
  /** How many events must happen before the target is resumed. */
  #blocks = 0;
  #resume: () => void = nothing;

  constructor(response: ServerResponse, owner: AnswerBodyOwner, context: AnswerBodyContext) {
    this.response = response;
    this.#owner = owner;
    this.#context = context;
  }

  get accounts(): Accounts {
    return this.#owner.accounts;
  }

  get bufferedBytes(): number {
    const { waiting } = this;
    return waiting === 0 || this.response.writableEnded ? waiting : waiting + READ_AHEAD;
  }

  evict(): void {
    this.#owner.evict();
  }

  /** Bytes that wait for the requester. */
  get waiting(): number {
    return this.response.writableLength + this.#joinedBytes;
  }

  /** Nothing waits, so that the client takes more. */
  get isFlowing(): boolean {
    return !this.response.writableNeedDrain && this.#joinedBytes === 0;
  }

  /** @param resume is called when there is room again, after a piece that left none. */
  begin(resume: () => void): void {
    this.#resume = resume;
  }

  /** @returns whether there is room for more. */
  write(piece: Buffer): boolean {
    if (piece.length >= SMALL_PIECE_BYTES) {
      if (this.#joinedBytes > 0) this.#writeJoined();
      this.#writeNow(piece);
    } else {
      this.#smallPieces += 1;
      if (this.#smallPieces <= PIECES_UNJOINED) this.#writeNow(piece);
      else this.#writeSmall(piece);
      if (this.#smallPieces % PIECES_A_TURN === 0) {
        this.#blocks += 1;
        this.#context.pieceTurns.wait(() => this.#unblock());
      }
    }
    return this.#blocks === 0;
  }

  end(): void {
    if (this.#joinedBytes > 0) this.#writeJoined();
    this.response.end();
    if (this.response.writableLength > 0) this.#context.waiting.watch(this);
  }

  #writeNow(piece: Buffer, written?: (error?: Error | null) => void): void {
    if (this.response.write(piece, written)) return;
    this.#blocks += 1;
    this.#context.waiting.watch(this);
    this.response.once("drain", () => this.#unblock());
  }

  #writeSmall(piece: Buffer): void {
    if (!this.#isWriting && this.#joinedBytes === 0) {
      this.#isWriting = true;
      return this.#writeNow(piece, this.#whenWritten());
    }
    const joined = (this.#joined ??= new Slabs());
    joined.append(piece);
    if (this.#isFull || joined.length < MOST_WAITING) return;
    this.#isFull = true;
    this.#blocks += 1;
    this.#context.waiting.watch(this);
  }

  /** What the response calls when a small piece was written. */
  #whenWritten(): (error?: Error | null) => void {
    return (error) => {
      if (error instanceof Error) return;
      this.#isWriting = false;
      if (this.#joinedBytes > 0) this.#writeJoined(this.#whenWritten());
      if (!this.#isFull) return;
      this.#isFull = false;
      this.#unblock();
    };
  }

  #writeJoined(written?: (error?: Error | null) => void): void {
    this.#isWriting = written !== undefined || this.#isWriting;
    const slabs = this.#joined?.take() ?? [];
    for (const [i, slab] of slabs.entries())
      this.response.write(slab, i === slabs.length - 1 ? written : undefined);
  }

  #unblock(): void {
    this.#blocks -= 1;
    if (this.#blocks > 0) return;
    if (this.charge !== undefined) this.#context.waiting.release(this);
    this.#resume();
  }

  get #joinedBytes(): number {
    return this.#joined?.length ?? 0;
  }
}

function nothing(): void {}

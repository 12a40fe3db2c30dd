import { SMALL_CHUNK_BYTES, Slabs, UNJOINED_CHUNKS } from "../collections/slabs.ts";
import { POOL_BYTES } from "../egress/read-buffer.ts";
import type { DownstreamResponse } from "../http1/downstream.ts";
import type { UsageAccounts } from "./usage-accounts.ts";
import type { ChunkScheduler } from "../collections/chunk-scheduler.ts";
import type { MinDataRate, RateWindow } from "./min-data-rate.ts";
import { checkRate } from "./min-data-rate.ts";
import type { Reservation, WaitingResponse, WaitingResponses } from "./waiting-responses.ts";

/** How many bytes in small pieces may wait before the target is paused. */
const MAX_JOINED_BYTES = 16 * 1_024;

/** Small pieces that one response may have in a turn: they take the event loop a millisecond or two. */
const CHUNKS_PER_TURN = 512;

/** Bytes that the connection of a paused target has read ahead, about: it reads this many at once. */
const READ_AHEAD_BYTES = 64 * 1_024;

/** What all response bodies are handed. */
export interface ResponseBodyContext {
  readonly chunkScheduler: ChunkScheduler;
  readonly waitingResponses: WaitingResponses;
}

/** What the response is part of. */
export type ResponseBodyOwner = Pick<WaitingResponse, "accounts" | "evict">;

/**
 * Writes the body of a response. Node counts the bytes that wait for a client, and keeps four entries for each piece: pieces of
 * one byte would take megabytes. So one small piece is written at a time, and those that come meanwhile are joined. Since
 * hundreds of targets could send thousands of pieces at once, they take turns.
 */
export class ResponseBody implements WaitingResponse {
  readonly response: DownstreamResponse;
  reservation: Reservation | undefined;
  readonly #context: ResponseBodyContext;
  readonly #owner: ResponseBodyOwner;
  /** Absent until small pieces are joined: most responses have few. */
  #joined: Slabs | undefined;
  #smallChunks = 0;
  #isWriting = false;
  #isFull = false;
  /** How many events must happen before the target is resumed. */
  #blocks = 0;
  #resume: () => void = nothing;
  /** Present while bytes wait for the client. */
  #window: RateWindow | undefined;

  constructor(response: DownstreamResponse, owner: ResponseBodyOwner, context: ResponseBodyContext) {
    this.response = response;
    this.#owner = owner;
    this.#context = context;
  }

  get accounts(): UsageAccounts {
    return this.#owner.accounts;
  }

  get bufferedBytes(): number {
    const { unsentBytes } = this;
    if (unsentBytes === 0) return 0;
    // A small piece that was copied when it was read may keep the block that it was copied into.
    const pooledBytes = Math.min(this.#smallChunks, UNJOINED_CHUNKS) * POOL_BYTES;
    return unsentBytes + pooledBytes + (this.response.writableEnded ? 0 : READ_AHEAD_BYTES);
  }

  evict(): void {
    this.#owner.evict();
  }

  /** Bytes that wait for the client. */
  get unsentBytes(): number {
    return this.response.writableLength + this.#joinedBytes;
  }

  /** Nothing waits, so that the client takes more. */
  get isFlowing(): boolean {
    return !this.response.writableNeedDrain && this.#joinedBytes === 0;
  }

  /**
   * Whether the client takes the bytes that wait for it too slowly. Call it at each tick.
   *
   * @param writtenBytes how many the body has had so far.
   */
  isReadTooSlowly(writtenBytes: number, now: number, minRate: MinDataRate): boolean {
    const { unsentBytes } = this;
    const readBytes = writtenBytes - unsentBytes;
    const window = unsentBytes === 0 ? undefined : checkRate(this.#window, readBytes, now, minRate);
    if (window === "too_slow") return true;
    this.#window = window;
    return false;
  }

  /** @param resume is called when there is room again, after a piece that left none. */
  start(resume: () => void): void {
    this.#resume = resume;
  }

  /** @returns whether there is room for more. */
  write(chunk: Buffer): boolean {
    if (chunk.length >= SMALL_CHUNK_BYTES) {
      if (this.#joinedBytes > 0) this.#writeJoined();
      this.#writeNow(chunk);
    } else {
      this.#smallChunks += 1;
      if (this.#smallChunks <= UNJOINED_CHUNKS) this.#writeNow(chunk);
      else this.#writeSmall(chunk);
      if (this.#smallChunks % CHUNKS_PER_TURN === 0) {
        this.#blocks += 1;
        this.#context.chunkScheduler.schedule(() => this.#unblock());
      }
    }
    return this.#blocks === 0;
  }

  end(): void {
    if (this.#joinedBytes > 0) this.#writeJoined();
    this.response.end();
    if (this.response.writableLength > 0) this.#context.waitingResponses.watch(this);
  }

  #writeNow(chunk: Buffer, written?: (error?: Error | null) => void): void {
    if (this.response.write(chunk, written)) return;
    this.#blocks += 1;
    this.#context.waitingResponses.watch(this);
    this.response.once("drain", () => this.#unblock());
  }

  #writeSmall(chunk: Buffer): void {
    if (!this.#isWriting && this.#joinedBytes === 0) {
      this.#isWriting = true;
      return this.#writeNow(chunk, this.#onWritten());
    }
    const joined = (this.#joined ??= new Slabs());
    joined.append(chunk);
    if (this.#isFull || joined.length < MAX_JOINED_BYTES) return;
    this.#isFull = true;
    this.#blocks += 1;
    this.#context.waitingResponses.watch(this);
  }

  /** What the response calls when a small piece was written. */
  #onWritten(): (error?: Error | null) => void {
    return (error) => {
      if (error instanceof Error) return;
      this.#isWriting = false;
      if (this.#joinedBytes > 0) this.#writeJoined(this.#onWritten());
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
    if (this.reservation !== undefined) this.#context.waitingResponses.release(this);
    this.#resume();
  }

  get #joinedBytes(): number {
    return this.#joined?.length ?? 0;
  }
}

function nothing(): void {}

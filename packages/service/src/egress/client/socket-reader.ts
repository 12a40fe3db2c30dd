import type { Socket } from "node:net";
import type { ChunkScheduler } from "../../collections/chunk-scheduler.ts";
import { SMALL_CHUNK_BYTES, Slabs } from "../../collections/slabs.ts";
import type { ReadBuffer } from "../read-buffer.ts";
import { bufferOf } from "../read-buffer.ts";

/**
 * Reads a socket without its buffer: each piece goes to one function as it arrives, and the socket is not read until that function
 * wants more. So a reset is never noticed before what came ahead of it was read, and a paused connection holds one read.
 *
 * A TLS connection may pass on more after it was paused: what it has decrypted by then. It waits here, small pieces joined.
 */
export class SocketReader {
  readonly #socket: Socket;
  readonly #push: Socket["push"];
  readonly #onBytes: (bytes: Buffer) => boolean;
  readonly #buffer: ReadBuffer | undefined;
  #isPaused = false;
  #isResting = false;
  readonly #small = new Slabs();
  #waiting: Buffer[] = [];
  #isEndWaiting = false;

  /**
   * @param onBytes returns whether it wants more. The end comes as the socket's own event `end`.
   * @param isPassedOn whether nothing reads the bytes that `onBytes` was called with last.
   */
  constructor(socket: Socket, onBytes: (bytes: Buffer) => boolean, isPassedOn: () => boolean) {
    this.#socket = socket;
    this.#onBytes = onBytes;
    this.#buffer = bufferOf(socket);
    if (this.#buffer !== undefined)
      this.#buffer.isFree = () => !this.#isHeld && this.#waiting.length === 0 && isPassedOn();
    this.#push = socket.push.bind(socket);
    socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (Buffer.isBuffer(chunk)) return this.#take(chunk);
      if (chunk !== null || !this.#isHeld) return this.#push(chunk, encoding);
      this.#isEndWaiting = true;
      return false;
    };
  }

  /** More of a body follows what was passed on. */
  set isMidBody(isMidBody: boolean) {
    if (this.#buffer !== undefined) this.#buffer.isMidBody = isMidBody;
  }

  /** Whether it waits for its turn. */
  get isResting(): boolean {
    return this.#isResting;
  }

  /** Reads no more until it is its turn. */
  rest(scheduler: ChunkScheduler): void {
    this.#isResting = true;
    scheduler.schedule(() => {
      this.#isResting = false;
      this.#flow();
    });
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#flow();
  }

  /** Gives the socket back, paused, as if nothing had been read of it but what was passed on. @param rest comes first. */
  release(rest: Buffer): void {
    const socket = this.#socket;
    socket.pause();
    socket.push = this.#push;
    // Even if there is nothing: Node waits for the result of the latest read otherwise.
    for (const chunk of [rest, ...this.#takeWaiting()]) this.#push(chunk);
    if (this.#isEndWaiting) this.#push(null);
  }

  get #isHeld(): boolean {
    return this.#isPaused || this.#isResting;
  }

  #flow(): void {
    if (this.#isHeld || this.#socket.destroyed) return;
    for (const chunk of this.#takeWaiting()) this.#take(chunk);
    if (this.#isHeld || this.#socket.destroyed) return;
    if (this.#isEndWaiting) this.#push(null);
    else this.#socket._read(0);
  }

  #take(chunk: Buffer): boolean {
    if (this.#isHeld) this.#wait(chunk);
    else this.#isPaused = !this.#onBytes(chunk);
    return !this.#isHeld;
  }

  #wait(chunk: Buffer): void {
    if (chunk.length < SMALL_CHUNK_BYTES) this.#small.append(chunk);
    else this.#waiting.push(...this.#small.take(), chunk);
  }

  #takeWaiting(): readonly Buffer[] {
    const taken = [...this.#waiting, ...this.#small.take()];
    this.#waiting = [];
    return taken;
  }
}

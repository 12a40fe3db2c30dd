import type { Llhttp } from "./instance.ts";
import { OK, PAUSED, WINDOW_BYTES, sharedLlhttp } from "./instance.ts";
import type { Spans } from "./spans.ts";

/** The types of `llhttp_alloc`. */
const TYPES = { request: 1, response: 2 } as const;

/** Why a parser has stopped: it needs more bytes, a head or a message is complete, or the bytes are not a message. */
export type ParserStop = "input" | "head" | "message" | "error";

/**
 * A parser of HTTP/1.1 messages, one after the other: llhttp without any of its lenient flags. It takes 80 bytes of the memory that
 * all parsers share until it is freed.
 *
 * @example
 *   const parser = new Parser("response");
 *   const bytes = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
 *   parser.execute(bytes); // "head", with parser.position 38 and parser.status 200
 *   parser.execute(bytes.subarray(parser.position)); // "message"
 *   parser.free();
 */
export class Parser {
  readonly #llhttp: Llhttp = sharedLlhttp();
  #pointer: number;
  #isPaused = false;
  #position = 0;

  /** @throws {UnknownLlhttpError} */
  constructor(type: keyof typeof TYPES) {
    this.#pointer = this.#llhttp.exports.llhttp_alloc(TYPES[type]);
    if (this.#pointer === 0) throw new Error("llhttp has no memory for another parser");
  }

  /** How many bytes the latest call of {@link execute} has read. */
  get position(): number {
    return this.#position;
  }

  /** What the latest call of {@link execute} has found, until any parser is used again. */
  get spans(): Spans {
    return this.#llhttp.spans;
  }

  /** Of the head at which the parser has just stopped. */
  get status(): number {
    return this.#llhttp.status;
  }

  /** Whether the head at which the parser has just stopped asks for another protocol, or switches to it. */
  get isUpgrade(): boolean {
    return this.#llhttp.isUpgrade;
  }

  /** Whether the connection may be kept, by the head at which the parser has just stopped (RFC 9112 §9.3). */
  get shouldKeepAlive(): boolean {
    return this.#llhttp.shouldKeepAlive;
  }

  /** Whether the end of the connection ends the body, by the head at which the parser has just stopped (RFC 9112 §6.3). */
  get needsEof(): boolean {
    return this.#llhttp.exports.llhttp_message_needs_eof(this.#pointer) === 1;
  }

  /** What is wrong with the bytes, in llhttp's words. */
  get errorReason(): string {
    return this.#llhttp.textAt(this.#llhttp.exports.llhttp_get_error_reason(this.#pointer));
  }

  /** Parses bytes that follow those that were read before: up to a window of them. */
  execute(bytes: Buffer): ParserStop {
    // Address 0 is of the memory too.
    if (this.#pointer === 0) throw new Error("the parser was freed");
    if (this.#isPaused) this.#llhttp.exports.llhttp_resume(this.#pointer);
    const window = bytes.length > WINDOW_BYTES ? bytes.subarray(0, WINDOW_BYTES) : bytes;
    const result = this.#llhttp.execute(this.#pointer, window);
    this.#isPaused = result === PAUSED;
    this.#position = result === OK ? window.length : this.#llhttp.positionOf(this.#pointer);
    if (result === OK) return "input";
    if (this.#llhttp.isMessageComplete) return "message";
    return this.#isPaused ? "head" : "error";
  }

  /** Expects a new message. */
  reset(): void {
    this.#isPaused = false;
    this.#llhttp.exports.llhttp_reset(this.#pointer);
  }

  /** Gives its memory back. It must not be used again. */
  free(): void {
    if (this.#pointer !== 0) this.#llhttp.exports.llhttp_free(this.#pointer);
    this.#pointer = 0;
  }
}
